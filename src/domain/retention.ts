/** What is kept of what has ended. Active and pinned runs, and the newest completed one of each ref, are always kept. */

export interface Retention {
  /** How many runs of each ref; null: any number. */
  readonly runsPerRef: number | null;
  /** How long after their end, in milliseconds; null: for ever. */
  readonly ageMs: number | null;
  /** What all logs may take together, in bytes; null: anything. */
  readonly logBytes: number | null;
}

export const DEFAULT_RETENTION = {
  runsPerRef: 1_000,
  ageMs: 90 * 86_400_000,
  logBytes: 20 * 1024 ** 3,
} as const satisfies Retention;

/** Why a run goes: its age, too many newer ones of its ref, or logs that take too much. */
export const REMOVAL_REASONS = ["age", "count", "log_bytes"] as const;
export type RemovalReason = (typeof REMOVAL_REASONS)[number];

/** A run is told to go once, for the first reason that holds in the order above. */
export interface Removal {
  readonly runId: string;
  readonly reason: RemovalReason;
}
