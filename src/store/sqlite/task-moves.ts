/** What the end of an attempt makes of its task, but for the many that succeed (`task-ends.ts`). */
import type { AttemptState, ReturnReason } from "../../domain/attempt.js";
import { afterCrash, type PersonGate, plainFailure, type TaskFailure, type TaskState } from "../../domain/task.js";
import type { TakenBack } from "../attempt-store.js";
import { appendEvent } from "./event-log.js";
import type { SqlScope } from "./session.js";
import { afterEnd, leaveLine, openKey } from "./task-gates.js";
import { failureParams, type TaskRow } from "./task-rows.js";

const RECORD_ATTEMPT = `
  INSERT INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at, returned, error_code, error_name,
    error_message, result)
  SELECT seq, attempt, run, fence, owner, $state, started_at, $now, $returned, $error_code, $error_name, $error_message,
    $result
  FROM tasks WHERE seq = $seq`;

const LEAVE = `
  UPDATE tasks SET state = $state, fence = NULL, owner = NULL, gate = $gate, question = $question, run_at = $run_at,
    ended_at = $ended_at, failures = failures + $failed, crashes = crashes + $crashed,
    suspect = CASE WHEN $lost = 1 THEN 1 ELSE suspect END,
    error_code = $error_code, error_name = $error_name, error_message = $error_message
  WHERE seq = $seq`;

export interface AttemptRecord {
  readonly state: Exclude<AttemptState, "running">;
  readonly failure: TaskFailure | null;
  readonly returned?: ReturnReason | null;
  /** JSON text. */
  readonly verdict?: string | null;
}

/** Puts the running attempt among those that have ended. */
export function recordAttempt(scope: SqlScope, row: TaskRow, record: AttemptRecord): void {
  const { state, failure, returned = null, verdict = null } = record;
  const now = scope.now();
  scope.sql(RECORD_ATTEMPT).run({ seq: row.seq, now, state, returned, result: verdict, ...failureParams(failure) });
}

/** What becomes of the task. `asking` waits for a person. */
export type Next =
  | { readonly state: "failed" | "cancelled"; readonly failure: TaskFailure }
  | { readonly state: "waiting"; readonly delayMs: number | null; readonly failure: TaskFailure | null }
  | { readonly state: "asking"; readonly gate: PersonGate; readonly question: string };

export interface Counts {
  readonly failed: 0 | 1;
  readonly crashed: 0 | 1;
  /** An owner of it was lost; see the column `suspect`. */
  readonly lost: 0 | 1;
}

export const NOTHING_COUNTED: Counts = { failed: 0, crashed: 0, lost: 0 };

export const cancelledBy = ({ state }: TaskRow): TaskFailure =>
  plainFailure("cancelled", `It was asked to end${state === "running" ? " while it ran" : ""}.`);

/**
 * Takes a task out of `running`, and sets free what hung on that: the slot of its key, and tasks that waited for its end.
 *
 * @param told the end of the attempt as the feed tells it
 * @returns the task's new state
 */
export function moveOn(scope: SqlScope, row: TaskRow, next: Next, counts: Counts, told: string): TaskState {
  const now = scope.now();
  const delayMs = next.state === "waiting" ? (next.delayMs ?? 0) : 0;
  const state = stateAfter(next, delayMs);
  const ended = state === "failed" || state === "cancelled";
  const failure = next.state === "asking" ? null : next.failure;
  scope.sql(LEAVE).run({
    seq: row.seq,
    state,
    gate: next.state === "asking" ? next.gate : "open",
    question: next.state === "asking" ? next.question : null,
    run_at: state === "scheduled" ? now + delayMs : null,
    ended_at: ended ? now : null,
    ...counts,
    ...failureParams(failure),
  });
  const { attempt, fence } = row;
  const waits = next.state === "asking" ? { gate: next.gate } : {};
  const data = { attempt, fence, attempt_state: told, state, error_code: failure?.code ?? null, ...waits };
  appendEvent(scope, { type: ended ? "task.finished" : "task.attempt_ended", subject: row.id, data });
  if (row.cancel_requested_at !== null) forgetSignal(scope, fence);
  if (ended) afterEnd(scope, row, state);
  else if (state === "scheduled" || next.state === "asking") openKey(scope, row);
  if (!ended && row.has_paths === 1) leaveLine(scope, row.seq);
  return state;
}

function stateAfter(next: Next, delayMs: number): TaskState {
  if (next.state === "asking") return "queued";
  if (next.state !== "waiting") return next.state;
  return delayMs > 0 ? "scheduled" : "queued";
}

export const forgetSignal = (scope: SqlScope, fence: number | null): void => {
  scope.sql("DELETE FROM task_signals WHERE fence = $fence").run({ fence });
};

export interface Loss {
  readonly failure: TaskFailure;
  /** Whether it is counted against the task; an attempt that was claimed ahead may not have begun. */
  readonly crashed: 0 | 1;
  readonly quarantineAfter: number;
  readonly verdict?: string | null;
}

/** Ends an attempt of which the owner is no more, or could not go on. */
export function loseAttempt(scope: SqlScope, row: TaskRow, loss: Loss): TaskState {
  const { failure, crashed, quarantineAfter, verdict = null } = loss;
  recordAttempt(scope, row, { state: "lost", failure, verdict });
  const counts: Counts = { failed: 0, crashed, lost: 1 };
  const crashes = row.crashes + crashed;
  if (row.cancel_requested_at !== null) {
    return moveOn(scope, row, { state: "cancelled", failure: cancelledBy(row) }, counts, "lost");
  }
  if (crashed === 1 && afterCrash(crashes, quarantineAfter) === "quarantine") {
    const message = `${crashes} attempts of it were lost. The last: ${failure.message}`;
    return moveOn(scope, row, { state: "failed", failure: plainFailure("quarantined", message) }, counts, "lost");
  }
  return moveOn(scope, row, { state: "waiting", delayMs: null, failure }, counts, "lost");
}

/** How `TakenBack` counts what became of a task that was lost. */
export const fateOf = (state: TaskState): keyof TakenBack =>
  state === "failed" ? "quarantined" : state === "cancelled" ? "cancelled" : "queued";
