/** The shape of tasks, attempts and what belongs to them in their tables, and the way to the domain's records. */
import type { Attempt, ReturnReason } from "../../domain/attempt.js";
import type { JsonValue } from "../../domain/canonical-json.js";
import type { ErrorCode } from "../../domain/errors.js";
import type { Task, TaskFailure, TaskGate, TaskState } from "../../domain/task.js";
import type { Step, StepKind, TaskLogLine } from "../step-store.js";
import type { SqlRow } from "./driver.js";
import type { SqlScope } from "./session.js";

/** A row as the CHECKs of the schema guarantee it. */
export interface TaskRow {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly state: TaskState;
  readonly gate: TaskGate;
  readonly priority: number;
  readonly run: number;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly suspect: 0 | 1;
  readonly max_attempts: number | null;
  readonly timeout_ms: number | null;
  readonly deadline_at: number | null;
  readonly run_at: number | null;
  readonly submitted_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly fence: number | null;
  readonly owner: number | null;
  readonly begun: 0 | 1;
  readonly cancel_requested_at: number | null;
  readonly concurrency_key: string | null;
  readonly unique_key: string | null;
  readonly rate_reserved: 0 | 1;
  readonly parent_id: string | null;
  readonly schedule: string | null;
  readonly created_by: string | null;
  readonly tags: string | null;
  readonly trace: string | null;
  readonly error_code: ErrorCode | null;
  readonly error_name: string | null;
  readonly error_message: string | null;
  readonly progress: string | null;
  readonly params: string;
  readonly result: string | null;
  readonly question: string | null;
  readonly has_paths: 0 | 1;
}

export const toTaskRow = (row: SqlRow): TaskRow => row as unknown as TaskRow;

/** A task as it is stored; null for an unknown id. */
export function readTaskRow(scope: SqlScope, id: string): TaskRow | null {
  const row = scope.sql("SELECT * FROM tasks WHERE id = $id").get({ id });
  return row === undefined ? null : toTaskRow(row);
}

const parsed = (text: string | null): JsonValue => (text === null ? null : (JSON.parse(text) as JsonValue));

type FailureColumns = Pick<TaskRow, "error_code" | "error_name" | "error_message">;

const failureFrom = (row: FailureColumns): TaskFailure | null =>
  row.error_code === null ? null : { code: row.error_code, name: row.error_name, message: row.error_message ?? "" };

/** The columns of a failure, as `$name` in the statements that store one. */
export const failureParams = (failure: TaskFailure | null): FailureColumns => ({
  error_code: failure?.code ?? null,
  error_name: failure?.name ?? null,
  error_message: failure?.message ?? null,
});

const NO_TAGS: readonly string[] = [];

export const tagsOf = ({ tags }: Pick<TaskRow, "tags">): readonly string[] =>
  tags === null ? NO_TAGS : (JSON.parse(tags) as string[]);

export function taskFromRow(row: TaskRow): Task {
  return {
    id: row.id,
    sequence: row.seq,
    type: row.type,
    state: row.state,
    gate: row.gate,
    priority: row.priority,
    run: row.run,
    attempt: row.attempt,
    failures: row.failures,
    crashes: row.crashes,
    maxAttempts: row.max_attempts,
    timeoutMs: row.timeout_ms,
    deadlineAt: row.deadline_at,
    runAt: row.run_at,
    submittedAt: row.submitted_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    fence: row.fence,
    owner: row.owner,
    cancelRequestedAt: row.cancel_requested_at,
    concurrencyKey: row.concurrency_key,
    uniqueKey: row.unique_key,
    parentId: row.parent_id,
    schedule: row.schedule,
    createdBy: row.created_by,
    tags: tagsOf(row),
    params: parsed(row.params),
    result: parsed(row.result),
    failure: failureFrom(row),
    progress: parsed(row.progress),
    question: row.question,
    trace: row.trace,
  };
}

export function attemptFromRow(taskId: string, raw: SqlRow): Attempt {
  const row = raw as unknown as FailureColumns & {
    readonly attempt: number;
    readonly run: number;
    readonly fence: number;
    readonly owner: number;
    readonly state: Attempt["state"];
    readonly started_at: number;
    readonly ended_at: number;
    readonly returned: ReturnReason | null;
    readonly result: string | null;
  };
  return {
    taskId,
    attempt: row.attempt,
    run: row.run,
    fence: row.fence,
    owner: row.owner,
    state: row.state,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    returned: row.returned,
    failure: failureFrom(row),
    result: parsed(row.result),
  };
}

/** The attempt that a task's row holds while it is running. */
export function runningAttempt(row: TaskRow): Attempt | null {
  if (row.fence === null || row.owner === null || row.started_at === null) return null;
  const { attempt, run, fence, owner } = row;
  const startedAt = row.started_at;
  return {
    taskId: row.id,
    attempt,
    run,
    fence,
    owner,
    startedAt,
    state: "running",
    endedAt: null,
    returned: null,
    failure: null,
    result: null,
  };
}

export const stepFromRow = (row: SqlRow): Step => ({
  name: row.name as string,
  kind: row.kind as StepKind,
  attempt: row.attempt as number,
  startedAt: row.started_at as number,
  endedAt: row.ended_at as number,
  result: row.result as string,
});

export const logLineFromRow = (row: SqlRow): TaskLogLine => ({
  number: row.number as number,
  attempt: row.attempt as number,
  at: row.at as number,
  line: row.line as string,
});
