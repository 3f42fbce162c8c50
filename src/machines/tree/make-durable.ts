import { execFile } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/**
 * Brings everything that was written below `path` to the disk in one step: `sync -f` (one file system, GNU coreutils),
 * else `sync` (all of them). One fsync a file would be thousands of waits.
 */
export async function makeDurable(path: string): Promise<void> {
  await exec("sync", ["-f", path]).catch(() => exec("sync")); // No `-f` here: the plain form does more than asked.
}
