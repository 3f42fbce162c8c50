/** Rate limits: a bucket of `max` starts that refills evenly over `perMs`, kept as one number (the generic cell rate algorithm). */

export interface RateLimit {
  /** How many attempts may begin at once, and within each `perMs` in the long run. */
  readonly max: number;
  readonly perMs: number;
}

/** What is left of `wanted` starts now. @param filledAt when the bucket is full again, in epoch milliseconds. */
export function availableStarts(limit: RateLimit, filledAt: number, now: number, wanted: number): number {
  const each = limit.perMs / limit.max;
  const room = Math.floor((now + limit.perMs - Math.max(filledAt, now)) / each + 1e-6);
  return Math.min(wanted, Math.max(0, room));
}

/** @returns when the bucket is full again after `starts` more. */
export const afterStarts = (limit: RateLimit, filledAt: number, now: number, starts: number): number =>
  Math.max(filledAt, now) + (starts * limit.perMs) / limit.max;

/** When the next start is allowed; `now` when one is. */
export const nextStartAt = (limit: RateLimit, filledAt: number, now: number): number =>
  Math.max(now, Math.ceil(filledAt - limit.perMs + limit.perMs / limit.max));
