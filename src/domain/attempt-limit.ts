/** When the time of an attempt is over, whoever executes it. Times are epoch milliseconds. */

/** `timeout`: the attempt's own time. `deadline`: the task's, of which no attempt comes after. */
export interface AttemptLimit {
  readonly at: number;
  readonly of: "timeout" | "deadline";
}

/** The limit that comes first; null when there is none. */
export function firstLimit(timeoutAt: number | null, deadlineAt: number | null): AttemptLimit | null {
  if (deadlineAt !== null && (timeoutAt === null || deadlineAt < timeoutAt)) return { at: deadlineAt, of: "deadline" };
  return timeoutAt === null ? null : { at: timeoutAt, of: "timeout" };
}

interface Limited {
  readonly timeoutMs: number | null;
  readonly deadlineAt: number | null;
}

/** The same for an attempt that began at `startedAt`. */
export const limitOf = ({ timeoutMs, deadlineAt }: Limited, startedAt: number): AttemptLimit | null =>
  firstLimit(timeoutMs === null ? null : startedAt + timeoutMs, deadlineAt);
