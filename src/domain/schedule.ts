/** Schedules: which of the times that have come are made into tasks. */
import type { JsonValue } from "./canonical-json.js";

/** After a time in which no engine ran: nothing that was missed, only its newest time, or each. */
export const CATCH_UP_POLICIES = ["none", "latest", "all"] as const;
export type CatchUpPolicy = (typeof CATCH_UP_POLICIES)[number];

/** While the task of an earlier time has not ended: submit beside it, leave this time out, or let it wait for its turn. */
export const OVERLAP_POLICIES = ["allow", "skip", "queue"] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

/** A time that is seen no later than this was not missed; milliseconds. */
export const IN_TIME_MS = 60_000;

/** `all` makes at most this many tasks of what was missed: the newest ones. */
export const MOST_CAUGHT_UP = 1_000;

/** When it is due: a cron expression in a time zone, or every so often since the schedule was made. */
export type Rhythm =
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string }
  | { readonly kind: "interval"; readonly everyMs: number };

export interface Schedule {
  readonly name: string;
  readonly type: string;
  readonly params: JsonValue;
  readonly rhythm: Rhythm;
  readonly catchUp: CatchUpPolicy;
  readonly overlap: OverlapPolicy;
  readonly paused: boolean;
  /** Epoch milliseconds; null when it is never due again. */
  readonly nextAt: number | null;
  readonly lastAt: number | null;
  readonly lastTaskId: string | null;
}

/** @param due times that have come, oldest first. @returns those of which tasks are made. */
export function chooseOccurrences(due: readonly number[], policy: CatchUpPolicy, now: number): readonly number[] {
  if (policy === "all") return due.slice(-MOST_CAUGHT_UP);
  const latest = due.slice(-1);
  return policy === "latest" ? latest : latest.filter((at) => now - at <= IN_TIME_MS);
}

/** The first time of an interval after `now`, in step with the one at `from`. */
export const nextInterval = (everyMs: number, from: number, now: number): number =>
  from > now ? from : from + (Math.floor((now - from) / everyMs) + 1) * everyMs;
