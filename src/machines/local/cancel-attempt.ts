/** Asks an attempt to end, and sends it signals. Nobody is signalled whose start is not that of the record. */
import { link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDiskFull } from "../../domain/disk-full.js";
import type { CancelManner, SignalName } from "../../domain/machine.js";
import { isRunning } from "../process-identity.js";
import { describeManner } from "../supervisor/cancel-request.js";
import { temporaryName } from "../tree/freeze-tree.js";
import { readStart } from "./observe-attempt.js";
import type { RunDirectory } from "./run-directory.js";

/** How often a program that has just been started is looked at until it leads its own group, and for how long. */
const GROUP = { everyMs: 20, tries: 50 } as const;

/**
 * The file is the request, and works before the start as well; the signal only makes it quick, and is sent to nobody
 * but the supervisor of the record. Whoever asks first says how.
 */
export async function cancelAttempt(run: RunDirectory, manner?: CancelManner): Promise<void> {
  await mkdir(run.path, { recursive: true, mode: 0o700 });
  await placeRequest(run, describeManner(manner));
  const start = await readStart(run);
  if (start === null || !isRunning(start.boot, start.supervisor, start.supervisor_start)) return;
  send(start.supervisor, "TERM");
}

/** Written aside and linked into place, so that whoever sees the file sees all of it, and only the first gets the name. */
async function placeRequest(run: RunDirectory, content: string): Promise<void> {
  const fresh = join(run.path, temporaryName());
  try {
    await writeFile(fresh, content === "" ? "" : `${content}\n`, { mode: 0o600, flag: "wx" }).catch(
      (error: NodeJS.ErrnoException) => {
        // A full disk has room for a name if not for the manner, and the end matters more.
        if (!isDiskFull(error.code)) throw error;
      },
    );
    await link(fresh, run.cancel).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error; // Somebody asked before: theirs counts.
    });
  } finally {
    await rm(fresh, { force: true });
  }
}

/** See `Machine.signal`. */
export async function signalAttempt(run: RunDirectory, name: SignalName): Promise<boolean> {
  const start = await readStart(run);
  if (start === null) return false;
  for (let round = 0; round < GROUP.tries; round += 1) {
    if (!isRunning(start.boot, start.pid, start.pid_start)) return false;
    if (send(-start.pid, name)) return true;
    await pause(GROUP.everyMs);
  }
  return false;
}

/** @returns whether there was somebody to take it. */
function send(pid: number, name: SignalName): boolean {
  try {
    process.kill(pid, `SIG${name}`);
    return true;
  } catch (error) {
    // It ended between the look and the signal, or does not lead a group yet.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
