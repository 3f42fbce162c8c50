/**
 * Writes about the running attempt. Each is a compare-and-set on (task, fence), so that an attempt which was superseded
 * while its process slept changes nothing, and its try is counted and shown.
 */
import type { AttemptGuard } from "../../domain/attempt.js";
import { afterCrash, type TaskFailure, type TaskState } from "../../domain/task.js";
import type { AttemptEnd, AttemptWrite, EndRequest, Owner, TakenBack } from "../attempt-store.js";
import { nextOf } from "./counters.js";
import type { SqlParams } from "./driver.js";
import { appendEvent, appendEvents } from "./event-log.js";
import { readLease, vacateLease } from "./leases.js";
import type { SqlScope } from "./session.js";
import { afterEnd, openKey } from "./task-gates.js";
import { typesIn } from "./task-queries.js";
import { failureParams, type TaskRow, toTaskRow } from "./task-rows.js";

const RUNNING = "SELECT * FROM tasks WHERE id = $id AND fence = $fence AND attempt = $attempt";

const RECORD_ATTEMPT = `
  INSERT INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at, returned, error_code, error_name,
    error_message)
  SELECT seq, attempt, run, fence, owner, $state, started_at, $now, $returned, $error_code, $error_name, $error_message
  FROM tasks WHERE seq = $seq`;

/**
 * Successes are the many: all of a batch are recorded and completed by one statement each. A fence is given to one
 * attempt of one task, so that a row with one of the sequences and one of the fences is the pair that was presented.
 */
const FENCED = "fence IN (SELECT value FROM json_each($fences))";
export const RECORD_SUCCESSES = `
  INSERT OR IGNORE INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at)
  SELECT seq, attempt, run, fence, owner, 'succeeded', started_at, $now
  FROM json_each($seqs) AS ended CROSS JOIN tasks ON tasks.seq = ended.value AND ${FENCED}`;
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
  SELECT tasks.id, tasks.type, concurrency_key FROM json_each($seqs) AS ended
  CROSS JOIN tasks ON tasks.seq = ended.value
  WHERE concurrency_key IS NOT NULL OR cancel_requested_at IS NOT NULL
    OR EXISTS (SELECT 1 FROM task_dependencies WHERE on_id = tasks.id AND resolved = 0)`;
/** Whether something can hang on any end at all; asked once for a batch, of three indexes that are usually empty. */
export const ANY_CONSEQUENCE = `
  SELECT EXISTS (SELECT 1 FROM task_dependencies WHERE resolved = 0) OR EXISTS (SELECT 1 FROM task_signals)
    OR EXISTS (SELECT 1 FROM tasks WHERE concurrency_key IS NOT NULL
      AND (state = 'running' OR (state = 'queued' AND gate = 'open'))) AS found`;
const PRESENT = "SELECT 1 FROM tasks WHERE id = $id AND fence = $fence AND attempt = $attempt";

const LEAVE = `
  UPDATE tasks SET state = $state, fence = NULL, owner = NULL, gate = 'open', run_at = $run_at, ended_at = $ended_at,
    failures = failures + $failed, crashes = crashes + $crashed, suspect = CASE WHEN $lost = 1 THEN 1 ELSE suspect END,
    error_code = $error_code, error_name = $error_name, error_message = $error_message
  WHERE seq = $seq`;

/** What runs is little beside what waits and what has ended, and is found by its type. */
export const OWNED = "SELECT * FROM tasks WHERE type = $type AND state = 'running' AND owner = $owner";

/** The running attempt that a guard names; null when it is not, or no longer, the running one. */
export function guarded(scope: SqlScope, guard: AttemptGuard): TaskRow | null {
  const row = scope.sql(RUNNING).get({ id: guard.taskId, fence: guard.fence, attempt: guard.attempt });
  return row === undefined ? null : toTaskRow(row);
}

/** Counts and shows a write that came too late. To be called inside a write. */
export function refuseWrite(scope: SqlScope, guard: AttemptGuard, name: string): AttemptWrite<never> {
  const found = scope.sql("SELECT * FROM tasks WHERE id = $id").get({ id: guard.taskId });
  const row = found === undefined ? null : toTaskRow(found);
  const refusal = row === null ? "not_found" : "stale_fence";
  nextOf(scope, "stale_writes");
  const presented = { attempt: guard.attempt, fence: guard.fence };
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

const isSuccess = (request: EndRequest): request is SuccessRequest => request.end.state === "succeeded";

/** See `AttemptStore.endAttempts`. To be called inside a write. */
export function endAttempts(scope: SqlScope, requests: readonly EndRequest[]): readonly AttemptWrite<TaskState>[] {
  const successes = requests.filter(isSuccess);
  const completed = completeAll(scope, successes);
  return requests.map((request) => {
    const { guard, end } = request;
    if (end.state !== "succeeded") return endOtherwise(scope, guard, end);
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
  const stale = scope.sql(RECORD_SUCCESSES).run({ ...keys, now }) < requests.length;
  const present = stale ? requests.filter(isPresent) : requests;
  const isConsequential = scope.sql(ANY_CONSEQUENCE).get()?.found === 1;
  complete(scope, present, { ...keysOf(present), now });
  appendEvents(
    scope,
    present.map(({ guard: { taskId, attempt, fence } }) => {
      return { type: "task.finished", subject: taskId, data: { attempt, fence, state: "completed" } };
    }),
  );
  if (isConsequential) followUp(scope, present);
  return new Set(present.map(({ guard }) => guard.fence));
}

const keysOf = (requests: readonly SuccessRequest[]): { readonly seqs: string; readonly fences: string } => ({
  seqs: JSON.stringify(requests.map(({ guard }) => guard.sequence)),
  fences: JSON.stringify(requests.map(({ guard }) => guard.fence)),
});

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

function endOtherwise(scope: SqlScope, guard: AttemptGuard, end: Otherwise): AttemptWrite<TaskState> {
  const row = guarded(scope, guard);
  if (row === null) return refuseWrite(scope, guard, "end");
  const now = scope.now();
  scope.sql(RECORD_ATTEMPT).run({
    seq: row.seq,
    now,
    ...failureParams(end.state === "returned" ? null : end.failure),
    state: end.state === "returned" ? "cancelled" : end.state,
    returned: end.state === "returned" ? end.reason : null,
  });
  return { written: true, value: leave(scope, row, end, now) };
}

/** What an end that is no success makes of a task. A wish to cancel goes before another attempt. */
type Next =
  | { readonly state: "failed" | "cancelled"; readonly failure: TaskFailure }
  | { readonly state: "waiting"; readonly delayMs: number | null; readonly failure: TaskFailure | null };

export const cancelledBy = (row: TaskRow): TaskFailure => ({
  code: "cancelled",
  name: null,
  message: `It was asked to end${row.state === "running" ? " while it ran" : ""}.`,
});

function nextOfEnd(row: TaskRow, end: Otherwise): Next {
  if (end.state === "cancelled") return { state: "cancelled", failure: end.failure };
  if (row.cancel_requested_at !== null) return { state: "cancelled", failure: cancelledBy(row) };
  if (end.state === "returned") return { state: "waiting", delayMs: end.delayMs, failure: null };
  if (end.retryMs === null) return { state: "failed", failure: end.failure };
  return { state: "waiting", delayMs: end.retryMs, failure: end.failure };
}

interface Counts {
  readonly failed: 0 | 1;
  readonly crashed: 0 | 1;
  readonly lost: 0 | 1;
}

function leave(scope: SqlScope, row: TaskRow, end: Otherwise, now: number): TaskState {
  const failed = end.state === "failed" || end.state === "timed_out" ? 1 : 0;
  return moveOn(scope, row, nextOfEnd(row, end), { failed, crashed: 0, lost: 0 }, { attempt_state: end.state, now });
}

function moveOn(
  scope: SqlScope,
  row: TaskRow,
  next: Next,
  counts: Counts,
  { attempt_state, now }: { readonly attempt_state: string; readonly now: number },
): TaskState {
  const delayMs = next.state === "waiting" ? (next.delayMs ?? 0) : 0;
  const state = next.state !== "waiting" ? next.state : delayMs > 0 ? "scheduled" : "queued";
  const ended = next.state !== "waiting";
  scope.sql(LEAVE).run({
    seq: row.seq,
    state,
    run_at: state === "scheduled" ? now + delayMs : null,
    ended_at: ended ? now : null,
    ...counts,
    ...failureParams(next.failure),
  });
  const code = next.failure?.code ?? null;
  const data = { attempt: row.attempt, fence: row.fence, attempt_state, state, error_code: code };
  appendEvent(scope, { type: ended ? "task.finished" : "task.attempt_ended", subject: row.id, data });
  if (row.cancel_requested_at !== null) forgetSignal(scope, row.fence);
  if (ended) afterEnd(scope, row, state);
  else if (state === "scheduled") openKey(scope, row);
  return state;
}

const forgetSignal = (scope: SqlScope, fence: number | null): void => {
  scope.sql("DELETE FROM task_signals WHERE fence = $fence").run({ fence });
};

/** See `AttemptStore.takeBack`. */
export function takeBack(
  scope: SqlScope,
  owner: Owner,
  provedDead: boolean,
  quarantineAfter: number,
): TakenBack | null {
  const lease = readLease(scope, owner.name);
  if (lease?.fence !== owner.fence || !(provedDead || lease.expiresAt <= scope.now())) return null;
  vacateLease(scope, owner.name, owner.fence);
  const counts = { queued: 0, quarantined: 0, cancelled: 0 };
  const where = `process ${lease.holder.pid} of ${lease.holder.host}`;
  for (const row of ownedBy(scope, owner.fence)) {
    counts[loseAttempt(scope, row, where, quarantineAfter)] += 1;
  }
  scope.sql("DELETE FROM task_signals WHERE owner = $owner").run({ owner: owner.fence });
  return counts;
}

export const ownedBy = (scope: SqlScope, owner: number): readonly TaskRow[] =>
  typesIn(scope).flatMap((type) => scope.sql(OWNED).all({ type, owner }).map(toTaskRow));

/** An attempt that was claimed ahead may not have begun: its owner's death is not counted against the task, only noted. */
function loseAttempt(scope: SqlScope, row: TaskRow, where: string, limit: number): keyof TakenBack {
  const now = scope.now();
  const failure: TaskFailure = { code: "lost", name: null, message: `Its engine, ${where}, died or was stopped.` };
  scope.sql(RECORD_ATTEMPT).run({ seq: row.seq, now, ...failureParams(failure), state: "lost", returned: null });
  const counts: Counts = { failed: 0, crashed: row.begun, lost: 1 };
  const told = { attempt_state: "lost", now };
  const crashes = row.crashes + row.begun;
  if (row.cancel_requested_at !== null) {
    moveOn(scope, row, { state: "cancelled", failure: cancelledBy(row) }, counts, told);
    return "cancelled";
  }
  if (row.begun === 1 && afterCrash(crashes, limit) === "quarantine") {
    const message = `${crashes} engines died while they executed it; the last was ${where}.`;
    moveOn(scope, row, { state: "failed", failure: { code: "quarantined", name: null, message } }, counts, told);
    return "quarantined";
  }
  moveOn(scope, row, { state: "waiting", delayMs: null, failure }, counts, told);
  return "queued";
}

/** Cancels or forgets a running attempt from outside: leaves word for its owner. */
export function signalOwner(scope: SqlScope, row: TaskRow, signal: "cancel" | "removed"): void {
  scope
    .sql(
      `INSERT INTO task_signals (owner, fence, signal) VALUES ($owner, $fence, $signal)
       ON CONFLICT DO UPDATE SET signal = excluded.signal`,
    )
    .run({ owner: row.owner, fence: row.fence, signal });
}
