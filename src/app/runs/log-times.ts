/** Where in a log a time is, from the notes that the supervisor takes once a second while it grows. */

/**
 * @param growth lines of `EPOCH_MS BYTES`; none for a run that said nothing, or was over before the first note.
 * @param since epoch milliseconds
 * @returns the byte at which what was written from then on begins, to within a second
 */
export function offsetSince(growth: string, since: number): number {
  let offset = 0;
  for (const line of growth.split("\n")) {
    const [at, bytes] = line.split(" ").map(Number);
    if (at !== undefined && bytes !== undefined && at > 0 && at < since) offset = bytes;
  }
  return offset;
}
