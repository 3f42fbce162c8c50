/** Tasks as interfaces see them. Lists leave out what may be large: params, result, progress. */
import * as z from "zod";
import { ATTEMPT_STATES, type Attempt, RETURN_REASONS } from "../domain/attempt.js";
import { DEPENDENCY_OUTCOMES } from "../domain/dependency.js";
import { TASK_GATES, TASK_STATES, type Task, type TaskFailure } from "../domain/task.js";
import { maybeTime, time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";
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
    gate: z.enum(TASK_GATES).describe("what a queued task waits for: an engine (open), its key, or other tasks"),
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
    engine: z.string().nullable().describe("who executes it now"),
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

export const toAttemptView = (attempt: Attempt): AttemptView => ({
  attempt: attempt.attempt,
  run: attempt.run,
  state: attempt.state,
  fence: attempt.fence,
  started_at: toTime(attempt.startedAt),
  ended_at: toMaybeTime(attempt.endedAt),
  returned: attempt.returned,
  failure: toFailureView(attempt.failure),
});
