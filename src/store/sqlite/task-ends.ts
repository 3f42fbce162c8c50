/**
 * Writes about the running attempt. Each is a compare-and-set on (task, fence), so that an attempt which was superseded
 * while its process slept changes nothing, and its try is counted and shown.
 */
import type { AttemptGuard, ReturnReason } from "../../domain/attempt.js";
import type { TaskState } from "../../domain/task.js";
import type { AttemptEnd, AttemptWrite, EndRequest } from "../attempt-store.js";
import { nextOf } from "./counters.js";
import type { SqlParams } from "./driver.js";
import { appendEvent, appendEvents } from "./event-log.js";
import { CLAIM_LEASES, giveUp, vacateClaim } from "./owners.js";
import { integer, text } from "./rows.js";
import type { SqlScope } from "./session.js";
import { afterEnd } from "./task-gates.js";
import { cancelledBy, forgetSignal, loseAttempt, moveOn, type Next, recordAttempt } from "./task-moves.js";
import { insertNote, type Said } from "./task-notes.js";
import { type TaskRow, toTaskRow } from "./task-rows.js";

const RUNNING = "SELECT * FROM tasks WHERE id = $id AND fence = $fence AND attempt = $attempt";

/**
 * Successes are the many: all of a batch are recorded and completed by one statement each. A fence is given to one
 * attempt of one task, so that a row with one of the sequences and one of the fences is the pair that was presented.
 */
const FENCED = "fence IN (SELECT value FROM json_each($fences))";
export const RECORD_SUCCESSES = `
  INSERT OR IGNORE INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at)
  SELECT seq, attempt, run, fence, owner, 'succeeded', started_at, $now
  FROM json_each($seqs) AS ended CROSS JOIN tasks ON tasks.seq = ended.value AND ${FENCED}`;
export const RECORD_SUCCESSES_WITH_VERDICTS = `
  INSERT OR IGNORE INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at, result)
  SELECT seq, attempt, run, fence, owner, 'succeeded', started_at, $now, ended.value ->> 1
  FROM json_each($verdicts) AS ended CROSS JOIN tasks ON tasks.seq = ended.value ->> 0 AND ${FENCED}`;
const COMPLETED = `state = 'completed', fence = NULL, owner = NULL, ended_at = $now, error_code = NULL, error_name = NULL,
  error_message = NULL`;
export const COMPLETE = `
  UPDATE tasks SET ${COMPLETED}, result = NULL
  FROM json_each($seqs) AS ended WHERE tasks.seq = ended.value AND ${FENCED}`;
export const COMPLETE_WITH_RESULTS = `
  UPDATE tasks SET ${COMPLETED}, result = ended.value ->> 1
  FROM json_each($ends) AS ended WHERE tasks.seq = ended.value ->> 0 AND ${FENCED}`;
/** Of those that have just completed, the few on whose end something hangs. */
export const CONSEQUENTIAL = `
  SELECT tasks.seq, tasks.id, tasks.type, concurrency_key, has_paths FROM json_each($seqs) AS ended
  CROSS JOIN tasks ON tasks.seq = ended.value
  WHERE concurrency_key IS NOT NULL OR cancel_requested_at IS NOT NULL OR has_paths = 1
    OR EXISTS (SELECT 1 FROM task_dependencies WHERE on_id = tasks.id AND resolved = 0)`;
/** Whether something can hang on any end at all; asked once for a batch, of indexes that are usually empty. */
export const ANY_CONSEQUENCE = `
  SELECT EXISTS (SELECT 1 FROM task_dependencies WHERE resolved = 0) OR EXISTS (SELECT 1 FROM task_signals)
    OR EXISTS (SELECT 1 FROM path_places)
    OR EXISTS (SELECT 1 FROM tasks WHERE concurrency_key IS NOT NULL
      AND (state = 'running' OR (state = 'queued' AND gate = 'open'))) AS found,
    EXISTS (SELECT 1 FROM workers WHERE left_at IS NULL) AS workers`;
const PRESENT = "SELECT 1 FROM tasks WHERE id = $id AND fence = $fence AND attempt = $attempt";

/** The running attempt that a guard names; null when it is not, or no longer, the running one. */
export function guarded(scope: SqlScope, guard: AttemptGuard): TaskRow | null {
  const row = scope.sql(RUNNING).get({ id: guard.taskId, fence: guard.fence, attempt: guard.attempt });
  return row === undefined ? null : toTaskRow(row);
}

/** What a caller says of the attempt that it takes for the running one; some know the fence alone. */
type Presented = Pick<AttemptGuard, "taskId" | "fence"> & Partial<AttemptGuard>;

/** Counts and shows a write that came too late. To be called inside a write. */
export function refuseWrite(scope: SqlScope, guard: Presented, name: string): AttemptWrite<never> {
  const found = scope.sql("SELECT * FROM tasks WHERE id = $id").get({ id: guard.taskId });
  const row = found === undefined ? null : toTaskRow(found);
  const refusal = row === null ? "not_found" : "stale_fence";
  nextOf(scope, "stale_writes");
  const presented = { attempt: guard.attempt ?? null, fence: guard.fence };
  const data = {
    write: name,
    refusal,
    ...presented,
    found_attempt: row?.attempt ?? null,
    found_fence: row?.fence ?? null,
  };
  appendEvent(scope, { type: "write.refused", subject: guard.taskId, data: { ...data, state: row?.state ?? null } });
  return { written: false, refusal };
}

type Success = Extract<AttemptEnd, { state: "succeeded" }>;
type Otherwise = Exclude<AttemptEnd, Success>;
interface SuccessRequest extends EndRequest {
  readonly end: Success;
}
interface OtherRequest extends EndRequest {
  readonly end: Otherwise;
}

const isSuccess = (request: EndRequest): request is SuccessRequest => request.end.state === "succeeded";

/** See `AttemptStore.endAttempts`. To be called inside a write. */
export function endAttempts(scope: SqlScope, requests: readonly EndRequest[]): readonly AttemptWrite<TaskState>[] {
  const successes = requests.filter(isSuccess);
  const completed = completeAll(scope, successes);
  return requests.map((request) => {
    if (!isSuccess(request)) return endOtherwise(scope, request as OtherRequest);
    const { guard } = request;
    const done = completed.has(guard.fence);
    return done ? { written: true, value: "completed" } : refuseWrite(scope, guard, "end");
  });
}

/** @returns the fences of the attempts that were the running ones, and have succeeded now. */
function completeAll(scope: SqlScope, requests: readonly SuccessRequest[]): ReadonlySet<number> {
  if (requests.length === 0) return new Set();
  const now = scope.now();
  const isPresent = ({ guard: { taskId, fence, attempt } }: SuccessRequest): boolean =>
    scope.sql(PRESENT).get({ id: taskId, fence, attempt }) !== undefined;
  // Usually all are: their number tells. Otherwise nothing was changed yet but those that are, whose ends follow.
  const keys = keysOf(requests);
  const stale = recordSuccesses(scope, requests, { ...keys, now }) < requests.length;
  const present = stale ? requests.filter(isPresent) : requests;
  const hangs = scope.sql(ANY_CONSEQUENCE).get();
  const claims = hangs?.workers === 1 ? scope.sql(CLAIM_LEASES).all({ seqs: keysOf(present).seqs }) : [];
  complete(scope, present, { ...keysOf(present), now });
  appendEvents(
    scope,
    present.map(({ guard: { taskId, attempt, fence } }) => {
      return { type: "task.finished", subject: taskId, data: { attempt, fence, state: "completed" } };
    }),
  );
  if (hangs?.found === 1) followUp(scope, present);
  for (const claim of claims) giveUp(scope, { name: text(claim, "lease"), fence: integer(claim, "owner") });
  return new Set(present.map(({ guard }) => guard.fence));
}

const keysOf = (requests: readonly SuccessRequest[]): { readonly seqs: string; readonly fences: string } => ({
  seqs: JSON.stringify(requests.map(({ guard }) => guard.sequence)),
  fences: JSON.stringify(requests.map(({ guard }) => guard.fence)),
});

function recordSuccesses(scope: SqlScope, requests: readonly SuccessRequest[], params: SqlParams): number {
  if (requests.every(({ verdict = null }) => verdict === null)) return scope.sql(RECORD_SUCCESSES).run(params);
  const verdicts = JSON.stringify(requests.map(({ guard, verdict = null }) => [guard.sequence, verdict]));
  return scope.sql(RECORD_SUCCESSES_WITH_VERDICTS).run({ ...params, verdicts });
}

function complete(scope: SqlScope, requests: readonly SuccessRequest[], params: SqlParams): void {
  if (requests.every(({ end }) => end.result === null)) {
    scope.sql(COMPLETE).run(params);
    return;
  }
  const ends = JSON.stringify(requests.map(({ guard, end }) => [guard.sequence, end.result]));
  scope.sql(COMPLETE_WITH_RESULTS).run({ ...params, ends });
}

function followUp(scope: SqlScope, requests: readonly SuccessRequest[]): void {
  for (const { guard } of requests) forgetSignal(scope, guard.fence);
  for (const row of scope.sql(CONSEQUENTIAL).all({ seqs: keysOf(requests).seqs })) {
    afterEnd(scope, toTaskRow(row), "completed");
  }
}

function endOtherwise(scope: SqlScope, { guard, end, verdict = null }: OtherRequest): AttemptWrite<TaskState> {
  const row = guarded(scope, guard);
  if (row === null) return refuseWrite(scope, guard, "end");
  const state = endRow(scope, row, end, verdict);
  vacateClaim(scope, row);
  return { written: true, value: state };
}

function endRow(scope: SqlScope, row: TaskRow, end: Otherwise, verdict: string | null): TaskState {
  if (end.state === "lost") return loseAttempt(scope, row, { ...end, crashed: 1, verdict });
  const failure = "failure" in end ? end.failure : null;
  const state = end.state === "returned" || end.state === "waiting" ? "cancelled" : end.state;
  recordAttempt(scope, row, { state, failure, returned: returnReasonOf(end), verdict });
  const failed = state === "failed" || state === "timed_out" ? 1 : 0;
  const next = nextOfEnd(row, end);
  const told = end.state === "waiting" ? "returned" : end.state;
  const note = noteOfEnd(end);
  if (note !== null) insertNote(scope, row, note);
  return moveOn(scope, row, next, { failed, crashed: 0, lost: 0 }, told);
}

/** What the end leaves in the task's thread. */
function noteOfEnd(end: Exclude<Otherwise, { state: "lost" }>): Said | null {
  if (end.state === "waiting") return { author: end.author, kind: "question", text: end.question };
  if (end.state === "returned" && end.notice !== undefined) return { ...end.notice, kind: "notice" };
  return null;
}

function returnReasonOf(end: Otherwise): ReturnReason | null {
  if (end.state === "returned") return end.reason;
  if (end.state === "waiting") return end.for === "answer" ? "needs_input" : "review";
  return null;
}

/** What an end that is no success makes of a task. A wish to cancel goes before another attempt. */
function nextOfEnd(row: TaskRow, end: Exclude<Otherwise, { state: "lost" }>): Next {
  if (end.state === "cancelled") return { state: "cancelled", failure: end.failure };
  if (row.cancel_requested_at !== null) return { state: "cancelled", failure: cancelledBy(row) };
  if (end.state === "waiting") return { state: "asking", gate: end.for, question: end.question };
  if (end.state === "returned") return { state: "waiting", delayMs: end.delayMs, failure: null };
  if (end.retryMs === null) return { state: "failed", failure: end.failure };
  return { state: "waiting", delayMs: end.retryMs, failure: end.failure };
}
