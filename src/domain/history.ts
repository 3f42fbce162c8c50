/** How runs of one ref compare over time. Durations in milliseconds. */

/** How many durations a comparison looks back on. */
export const HISTORY_WINDOW = 20;
/** Earlier runs that a comparison needs: fewer make a median of chance. */
const FEWEST = 3;
/** What differs by less is the same: schedulers and caches make as much. */
const STEADY = 0.1;

export const TRENDS = ["slower", "steady", "faster"] as const;
export type Trend = (typeof TRENDS)[number];

/** The middle value, of an even number the mean of both; null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** How a duration compares to the median of those before it; null when these are too few to say. */
export function trendOf(durationMs: number, before: readonly number[]): Trend | null {
  const usual = median(before);
  if (usual === null || before.length < FEWEST) return null;
  if (durationMs > usual * (1 + STEADY)) return "slower";
  return durationMs < usual * (1 - STEADY) ? "faster" : "steady";
}

/** The smallest UUIDv7 of a millisecond (RFC 9562, 5.7): ids made from then on are not below it. */
export function firstIdAt(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
