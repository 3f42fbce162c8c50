/** An attempt: one try at executing a task. Its fence is larger than that of every attempt before, of whatever task. */
import type { TaskFailure } from "./task.js";

export const ATTEMPT_STATES = ["running", "succeeded", "failed", "timed_out", "cancelled", "lost"] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

/** `lost`: its owner died. `cancelled`: it was told to stop, or was given back without being counted (see `RETURN_REASONS`). */
export const ATTEMPT_TRANSITIONS = {
  running: ["succeeded", "failed", "timed_out", "cancelled", "lost"],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  lost: [],
} as const satisfies Record<AttemptState, readonly AttemptState[]>;

/** Why an attempt was given back: nothing went wrong, so neither failures nor crashes are counted. */
export const RETURN_REASONS = ["shutdown", "snoozed", "sleeping"] as const;
export type ReturnReason = (typeof RETURN_REASONS)[number];

/** Presented with every write about an attempt. */
export interface AttemptGuard {
  readonly taskId: string;
  /** The task's own, by which a store finds it fastest. */
  readonly sequence: number;
  readonly attempt: number;
  readonly fence: number;
}

export interface Attempt {
  readonly taskId: string;
  readonly attempt: number;
  readonly run: number;
  readonly fence: number;
  readonly state: AttemptState;
  /** The fence of the lease of the engine that executed it. */
  readonly owner: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly returned: ReturnReason | null;
  readonly failure: TaskFailure | null;
}
