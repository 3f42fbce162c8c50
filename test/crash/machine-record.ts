/** The machine's own record of a run's attempt, read and altered as a fault would. */
import { readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StartRecord } from "../../src/domain/machine.js";
import { parseStartRecord } from "../../src/domain/machine-record.js";
import { isAlive, signal } from "../harness/processes.js";
import type { Sandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

const attemptDir = (box: Sandbox, runId: string): string => join(box.home, "machines/local/runs", `${runId}.1`);

export function startOf(box: Sandbox, runId: string): StartRecord {
  const start = parseStartRecord(readFileSync(join(attemptDir(box, runId), "start"), "utf8"));
  if (start === null) throw new Error(`expected a start record of ${runId}, found none`);
  return start;
}

export async function killAndAwait(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, "SIGKILL");
  await until("the killed are dead", () => pids.every((pid) => !isAlive(pid)));
}

/** Rewrites the record and the claim as if they came from before a reboot. */
export function pretendReboot(box: Sandbox, runId: string): void {
  const dir = attemptDir(box, runId);
  const { boot } = startOf(box, runId);
  const before = "00000000-0000-0000-0000-000000000000.1";
  const start = join(dir, "start");
  writeFileSync(start, readFileSync(start, "utf8").replaceAll(boot, before));
  const claim = join(dir, "claim");
  const owner = readlinkSync(claim).replaceAll(boot, before);
  rmSync(claim);
  symlinkSync(owner, claim);
}
