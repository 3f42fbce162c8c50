/** Durations as people write them (`90s`, `30m`, `1h30m`) and as the code carries them (integer milliseconds). */

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/**
 * Reads `500ms`, `90s`, `30m`, `1h30m`, `2d`. Returns null for anything else, a bare number included: a duration
 * without a unit has been read as seconds by one tool and as milliseconds by the next.
 */
export function parseDuration(text: string): number | null {
  let total = 0;
  let at = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (part === null) return null;
    total += Number(part[1]) * UNIT_MS[part[2] as keyof typeof UNIT_MS];
    at = PART.lastIndex;
  }
  const rounded = Math.round(total);
  return at > 0 && Number.isSafeInteger(rounded) ? rounded : null;
}

/** Whether a text has the form that `parseDuration` reads, which is null for a longer time than can be counted, too. */
export const isDuration = (text: string): boolean => /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text);

/** The shortest exact text that `parseDuration` reads back: 5400000 → `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"] as const) {
    const count = Math.floor(rest / UNIT_MS[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * UNIT_MS[unit];
  }
  return text;
}

/** For tables and outcome lines, three significant parts at most: 83 ms, 4.2 s, 3 m 07 s, 2 h 05 m. */
export function describeDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
}
