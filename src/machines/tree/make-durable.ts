import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { WaybillError } from "../../domain/errors.js";

const exec = promisify(execFile);

/**
 * Brings everything that was written below `path` to the disk in one step: `sync -f` (one file system, GNU coreutils),
 * else `sync` (all of them). One fsync a file would be thousands of waits. Errors: `spawn_failed` where there is no `sync`.
 */
export async function makeDurable(path: string): Promise<void> {
  try {
    await exec("sync", ["-f", path]).catch(() => exec("sync")); // No `-f` here: the plain form does more than asked.
  } catch (cause) {
    throw new WaybillError("spawn_failed", `What was written could not be brought to the disk: ${String(cause)}.`, {
      hint: "Waybill calls `sync`; check that PATH leads to it.",
      cause,
    });
  }
}
