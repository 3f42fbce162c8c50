import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WaybillError } from "../domain/errors.js";
import type { Run } from "../domain/run.js";
import { type Bench, freshDir, removeDir, runToEnd } from "../machines/conformance/machine-bench.js";
import { localMachine } from "../machines/local/local-fixture.js";
import type { Machine } from "../machines/machine-port.js";
import { collectAttempt, type Patience } from "./conclude-attempt.js";
import type { Runtime } from "./runtime.js";

let dir = "";
let bench: Bench;
beforeEach(async () => {
  dir = await freshDir();
  bench = { machine: localMachine(join(dir, "machine"), 1), dir };
});
afterEach(() => removeDir(dir));

/** Collects an attempt from a machine that cannot be reached the first `times` that it is asked. */
async function collectFrom(times: number, patience?: Patience) {
  const { request } = await runToEnd(bench, 'echo said; echo kept > "$WAYBILL_ARTIFACTS_DIR/file"');
  let asked = 0;
  const collect: Machine["collect"] = async (...args) => {
    asked += 1;
    if (asked <= times) throw new WaybillError("machine_unreachable", "The machine does not answer.");
    return await bench.machine.collect(...args);
  };
  const runtime = { attemptDir: () => join(dir, "brought") } as Pick<Runtime, "attemptDir"> as Runtime;
  const drive = { runtime, machine: { ...bench.machine, collect }, signal: new AbortController().signal };
  const run = { id: request.runId, attempt: request.attempt, request: {} } as Run;
  return { report: await collectAttempt(drive, run, patience), asked: () => asked, drive, run };
}

describe("an attempt's artifacts, when the machine goes away while they are fetched", () => {
  it("are asked for again and are brought", async () => {
    const { report, asked } = await collectFrom(2, { forMs: 60_000, pauseMs: 1 });
    expect(report).toMatchObject({ state: "collected", error: null, logBytes: 5, left: 0 });
    expect(asked()).toBe(3);
    expect(await readFile(join(dir, "brought", "artifacts", "file"), "utf8")).toBe("kept\n");
  });

  it("are reported as failed when it stays away, and can be fetched later", async () => {
    const { report, drive, run } = await collectFrom(1);
    expect(report).toMatchObject({ state: "failed", error: "The machine does not answer." });
    expect(await collectAttempt(drive, run)).toMatchObject({ state: "collected" });
  });
});
