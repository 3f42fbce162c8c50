/** How long what is left of a batch will take, from how long its entries took before. */

export interface Remaining {
  /** Typical duration of the entry in milliseconds, or null when it never ran. */
  readonly typicalMs: number | null;
  /** How long it has been running; 0 when it has not started. */
  readonly elapsedMs: number;
}

/**
 * Work left divided by the slots that can do it, and never less than the longest single entry.
 *
 * @returns milliseconds, or null when not one entry has a history to go by. Entries without one count as the mean of the rest.
 */
export function estimateRemaining(entries: readonly Remaining[], slots: number): number | null {
  const known = entries.flatMap((e) => (e.typicalMs === null ? [] : [e.typicalMs]));
  if (known.length === 0 || slots < 1) return null;
  const mean = known.reduce((sum, ms) => sum + ms, 0) / known.length;
  const left = entries.map((e) => Math.max(0, (e.typicalMs ?? mean) - e.elapsedMs));
  const total = left.reduce((sum, ms) => sum + ms, 0);
  return Math.round(Math.max(total / slots, ...left));
}
