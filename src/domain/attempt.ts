/** An attempt: one try at executing a task. Its fence is larger than that of every attempt before, of whatever task. */
import type { JsonValue } from "./canonical-json.js";
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

/**
 * Why an attempt was given back: nothing went wrong, so neither failures nor crashes are counted. `needs_input` and
 * `review` wait for a person; `released` by its worker, `handed_off` to another, `reclaimed` by somebody else.
 */
export const RETURN_REASONS = [
  "shutdown",
  "snoozed",
  "sleeping",
  "needs_input",
  "review",
  "released",
  "handed_off",
  "reclaimed",
] as const;
export type ReturnReason = (typeof RETURN_REASONS)[number];

/** What the owner of a running attempt is told: to end it, or that it is its own no longer (`removed`, `superseded`). */
export const ATTEMPT_SIGNALS = ["cancel", "removed", "superseded"] as const;
export type AttemptSignalKind = (typeof ATTEMPT_SIGNALS)[number];

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
  /** The fence of the lease of the engine or worker that executed it. */
  readonly owner: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly returned: ReturnReason | null;
  readonly failure: TaskFailure | null;
  /** What its worker answered (result v2), whatever it made of the task; null for an engine's. */
  readonly result: JsonValue;
}
