/** Where in a log a time is, from the notes that the supervisor takes once a second while it grows. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Run } from "../../domain/run.js";

/** Beside the log, on the machine and where it was brought to: lines of `EPOCH_MS BYTES`. */
const NOTES = "log.times";

/**
 * @param since epoch milliseconds
 * @returns the byte at which what was written from then on begins, to within a second; the log's end when that is over
 */
export async function offsetSince(path: string, run: Pick<Run, "endedAt">, since: number): Promise<number> {
  if (run.endedAt !== null && run.endedAt < since) return (await stat(path)).size;
  const notes = await readFile(join(dirname(path), NOTES), "utf8").catch((error: NodeJS.ErrnoException) => {
    // A run that said nothing, or was over before the first note: then all of it is young enough, as it has not ended before.
    if (error.code === "ENOENT") return "";
    throw error;
  });
  let offset = 0;
  for (const line of notes.split("\n")) {
    const [at, bytes] = line.split(" ").map(Number);
    if (at !== undefined && bytes !== undefined && at > 0 && at < since) offset = bytes;
  }
  return offset;
}
