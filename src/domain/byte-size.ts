/** Sizes as people write them (`512MiB`, `1.5GiB`) and as the code carries them (whole bytes). */

const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;
type Unit = keyof typeof UNITS;

/** The largest unit first, as a size is written. */
const DESCENDING = (Object.keys(UNITS) as Unit[]).reverse();

/**
 * Reads `0B`, `64KiB`, `512MiB`, `1.5GiB`, `2TiB`. Returns null for anything else: a bare number has no unit, and `MB` is
 * 10^6 bytes to one reader and 2^20 to the next.
 */
export function parseByteSize(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|TiB)$/.exec(text) ?? [];
  const bytes = Math.round(Number(number) * UNITS[unit as Unit]);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest exact text that `parseByteSize` reads back: 1073741824 → `1GiB`, 1000 → `1000B`. */
export function formatByteSize(bytes: number): string {
  const unit = DESCENDING.find((name) => bytes >= UNITS[name] && bytes % UNITS[name] === 0) ?? "B";
  return `${bytes / UNITS[unit]}${unit}`;
}

/** For tables: 0 B, 512 B, 1.5 KiB, 64.0 MiB. */
export function describeByteSize(bytes: number): string {
  const unit = DESCENDING.find((name) => bytes >= UNITS[name]) ?? "B";
  return `${unit === "B" ? bytes : (bytes / UNITS[unit]).toFixed(1)} ${unit}`;
}
