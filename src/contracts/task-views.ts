/** Tasks as interfaces see them. Lists leave out what may be large: params, result, progress. */
import * as z from "zod";
import { ATTEMPT_STATES, type Attempt, RETURN_REASONS } from "../domain/attempt.js";
import { DEPENDENCY_OUTCOMES } from "../domain/dependency.js";
import { TASK_GATES, TASK_STATES, type Task, type TaskFailure } from "../domain/task.js";
import { WORKER_KINDS, type WorkerIdentity } from "../domain/worker.js";
import { pathView } from "./claim-view.js";
import { maybeTime, time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";
import { linkView } from "./link-view.js";
import { noteView } from "./note-view.js";
import { errorCode } from "./run-views.js";

export const taskState = z.enum(TASK_STATES);

const taskFailure = later(() =>
  z.object({
    code: errorCode,
    name: z.string().nullable().describe("class of what was thrown; null when the engine itself ended the attempt"),
    message: z.string(),
  }),
);

export const taskView = later(() =>
  z.object({
    id: z.string(),
    type: z.string(),
    state: taskState,
    gate: z
      .enum(TASK_GATES)
      .describe(
        "what a queued task waits for: an engine or worker (open), its key, other tasks, their paths, or a person",
      ),
    priority: z.number().int(),
    run: z.number().int().describe("1, and one more for each explicit retry"),
    attempt: z.number().int().describe("how many attempts have begun"),
    failures: z.number().int().describe("attempts of this run that failed"),
    crashes: z.number().int().describe("attempts of this run whose engine died"),
    max_attempts: z.number().int().nullable().describe("null: the definition says"),
    timeout_ms: z.number().int().nullable(),
    deadline_at: maybeTime,
    run_at: maybeTime.describe("when a scheduled task is due"),
    submitted_at: time,
    started_at: maybeTime,
    ended_at: maybeTime,
    cancel_requested_at: maybeTime,
    concurrency_key: z.string().nullable(),
    unique_key: z.string().nullable(),
    parent_id: z.string().nullable(),
    schedule: z.string().nullable(),
    tags: z.array(z.string()),
    created_by: z.string().nullable(),
    failure: taskFailure().nullable(),
  }),
);
export type TaskView = z.infer<ReturnType<typeof taskView>>;

/** Of a task that somebody waited for. */
export const spannedTaskView = later(() =>
  taskView().extend({
    first_started_at: maybeTime.describe(
      "begin of the first attempt of its present run; `started_at` is the last one's",
    ),
    attempts_of_run: z.number().int().describe("how many attempts its present run has begun"),
  }),
);
export type SpannedTaskView = z.infer<ReturnType<typeof spannedTaskView>>;

const attemptView = later(() =>
  z.object({
    attempt: z.number().int(),
    run: z.number().int(),
    state: z.enum(ATTEMPT_STATES),
    fence: z.number().int(),
    started_at: time,
    ended_at: maybeTime,
    returned: z.enum(RETURN_REASONS).nullable().describe("why it was given back without being counted"),
    failure: taskFailure().nullable(),
    worker: z
      .object({ kind: z.enum(WORKER_KINDS), agent_id: z.string(), session: z.string() })
      .nullable()
      .describe("who executed it; null of an engine"),
    result: z.unknown().describe("what its worker answered, whatever that made of the task; null of an engine"),
  }),
);
export type AttemptView = z.infer<ReturnType<typeof attemptView>>;

export const logLineView = later(() =>
  z.object({ number: z.number().int().describe("cursor"), attempt: z.number().int(), at: time, line: z.string() }),
);

export const taskDetailView = later(() =>
  taskView().extend({
    params: z.unknown(),
    result: z.unknown(),
    progress: z.unknown(),
    paused: z.boolean().describe("its type is paused: no task of it begins"),
    question: z.string().nullable().describe("what it waits to hear from a person"),
    engine: z.string().nullable().describe("who executes it now, engine or worker, as people name it"),
    lease_expires_at: maybeTime.describe("until when whoever executes it is believed to live without a sign of life"),
    paths: z.array(pathView()).describe("what it reads and writes, held while it runs"),
    path_holders: z
      .array(z.object({ id: z.string(), agent_id: z.string().nullable(), state: z.enum(["running", "waiting"]) }))
      .describe("tasks whose paths are in its way"),
    attempts: z.array(attemptView()),
    steps: z
      .array(
        z.object({
          name: z.string(),
          kind: z.string(),
          attempt: z.number().int(),
          started_at: time,
          ended_at: time.describe("of a sleep: when it is over"),
        }),
      )
      .describe("what its present run has done and will not do again"),
    dependencies: z.array(
      z.object({
        id: z.string(),
        outcome: z.enum(DEPENDENCY_OUTCOMES).describe("which end of it this task waits for"),
        type: z.string().nullable().describe("null: it was removed"),
        state: taskState.nullable(),
      }),
    ),
    children: z
      .array(z.object({ id: z.string(), type: z.string(), state: taskState }))
      .describe("at most 100, oldest first"),
    links: z.array(linkView()).describe("from and to it; what it waits for is among the dependencies, too"),
    notes: z.array(noteView()).describe("the newest of its thread"),
    log: z.array(logLineView()).describe("the newest lines"),
  }),
);
export type TaskDetailView = z.infer<ReturnType<typeof taskDetailView>>;

const toFailureView = (failure: TaskFailure | null): TaskView["failure"] => (failure === null ? null : { ...failure });

export function toTaskView(task: Task): TaskView {
  return {
    id: task.id,
    type: task.type,
    state: task.state,
    gate: task.gate,
    priority: task.priority,
    run: task.run,
    attempt: task.attempt,
    failures: task.failures,
    crashes: task.crashes,
    max_attempts: task.maxAttempts,
    timeout_ms: task.timeoutMs,
    deadline_at: toMaybeTime(task.deadlineAt),
    run_at: toMaybeTime(task.runAt),
    submitted_at: toTime(task.submittedAt),
    started_at: toMaybeTime(task.startedAt),
    ended_at: toMaybeTime(task.endedAt),
    cancel_requested_at: toMaybeTime(task.cancelRequestedAt),
    concurrency_key: task.concurrencyKey,
    unique_key: task.uniqueKey,
    parent_id: task.parentId,
    schedule: task.schedule,
    tags: [...task.tags],
    created_by: task.createdBy,
    failure: toFailureView(task.failure),
  };
}

/** @param worker who executed it; null of an engine */
export const toAttemptView = (attempt: Attempt, worker: WorkerIdentity | null): AttemptView => ({
  attempt: attempt.attempt,
  run: attempt.run,
  state: attempt.state,
  fence: attempt.fence,
  started_at: toTime(attempt.startedAt),
  ended_at: toMaybeTime(attempt.endedAt),
  returned: attempt.returned,
  failure: toFailureView(attempt.failure),
  worker: worker === null ? null : { kind: worker.kind, agent_id: worker.agentId, session: worker.session },
  result: attempt.result,
});
