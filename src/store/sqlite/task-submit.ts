/** Submissions. Runs on any scope, so that a caller's own transaction can submit with the same statements. */
import { judgeDependency } from "../../domain/dependency.js";
import { WaybillError } from "../../domain/errors.js";
import type { TaskFailure, TaskGate, TaskState } from "../../domain/task.js";
import { checkSameTask } from "../../domain/task-identity.js";
import { inOrderOfDependencies } from "../../domain/task-links.js";
import { holdsUniqueKey } from "../../domain/unique-key.js";
import type { NewTask, Submitted } from "../task-store.js";
import type { SqlRow, SqlValue } from "./driver.js";
import { appendEvent, appendEvents } from "./event-log.js";
import { integer } from "./rows.js";
import type { SqlScope } from "./session.js";
import { eachGroup, manyRows } from "./statements.js";
import { endAsElsewhere } from "./task-ended-elsewhere.js";
import { endWaitingTask, gateOfKey, unmet } from "./task-gates.js";
import { recordPaths } from "./task-paths.js";
import { retryEnded } from "./task-retry.js";
import { taskFromRow, toTaskRow } from "./task-rows.js";

/** For the many submissions that say nothing but what is to be done. */
const INSERT_PLAIN = "INSERT INTO tasks (id, type, state, priority, submitted_at, params)";
const PLAIN_ROW = "(?, ?, 'queued', ?, ?, ?)";

const INSERT = `
  INSERT INTO tasks (id, type, state, gate, priority, max_attempts, timeout_ms, deadline_at, run_at, submitted_at,
    concurrency_key, unique_key, parent_id, schedule, created_by, tags, trace, params)
  VALUES ($id, $type, $state, $gate, $priority, $max_attempts, $timeout_ms, $deadline_at, $run_at, $submitted_at,
    $concurrency_key, $unique_key, $parent_id, $schedule, $created_by, $tags, $trace, $params)
  RETURNING *`;

export const LIVE_WITH_UNIQUE_KEY = `
  SELECT * FROM tasks WHERE type = $type AND unique_key = $key AND unique_key IS NOT NULL
    AND state IN ('queued', 'scheduled', 'running') ORDER BY seq DESC`;
export const NEWEST_WITH_UNIQUE_KEY = `
  SELECT * FROM tasks WHERE type = $type AND unique_key = $key ORDER BY seq DESC LIMIT 1`;

/** Nothing has to be looked up to decide about it. */
const isPlain = (task: NewTask): boolean =>
  !task.ownId &&
  task.runAt === null &&
  task.delayMs === null &&
  task.deadlineMs === null &&
  task.maxAttempts === null &&
  task.timeoutMs === null &&
  task.concurrencyKey === null &&
  task.unique === null &&
  task.dependsOn.length === 0 &&
  task.tags.length === 0 &&
  task.paths.length === 0 &&
  task.discoveredFrom === null &&
  task.parentId === null &&
  task.schedule === null &&
  task.createdBy === null &&
  task.trace === null &&
  task.ended == null;

/** Decides about submissions and records them, in order. To be called inside a write. */
export function submitTasks(scope: SqlScope, tasks: readonly NewTask[]): readonly Submitted[] {
  const answers: Submitted[] = [];
  let plain: NewTask[] = [];
  const flush = (): void => {
    insertPlain(scope, plain);
    plain = [];
  };
  for (const task of tasks) {
    if (isPlain(task)) {
      plain.push(task);
      answers.push({ outcome: "created", id: task.id });
    } else {
      flush();
      answers.push(submitTask(scope, task));
    }
  }
  flush();
  return answers;
}

/** See `TaskStore.submitAll`. To be called inside a write, which a refusal undoes. */
export function submitAll(scope: SqlScope, tasks: readonly NewTask[]): readonly Submitted[] {
  const ordered = inOrderOfDependencies(tasks);
  const answers = new Map<NewTask, Submitted>();
  submitTasks(scope, ordered).forEach((answer, at) => {
    answers.set(ordered[at] as NewTask, answer);
  });
  return tasks.map((task, index) => {
    const answer = answers.get(task) as Submitted;
    if (answer.outcome !== "refused") return answer;
    const { code, message, hint, details } = answer.error;
    throw new WaybillError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      details: { ...details, index, id: task.id },
    });
  });
}

function insertPlain(scope: SqlScope, tasks: readonly NewTask[]): void {
  const now = scope.now();
  eachGroup(tasks, (group) => {
    const values = group.flatMap(({ id, type, priority, params }): SqlValue[] => [id, type, priority, now, params]);
    scope.sql(manyRows(INSERT_PLAIN, PLAIN_ROW, group.length)).run(values);
  });
  appendEvents(
    scope,
    tasks.map(({ id, type }) => ({ type: "task.submitted", subject: id, data: { type } })),
  );
}

function submitTask(scope: SqlScope, task: NewTask): Submitted {
  if (task.ownId) {
    const known = scope.sql("SELECT * FROM tasks WHERE id = $id").get({ id: task.id });
    if (known !== undefined) return answerKnown(scope, known, task);
  }
  const holder = holderOfKey(scope, task);
  return holder === null ? submitFull(scope, task, scope.now()) : { outcome: "duplicate", id: holder };
}

function answerKnown(scope: SqlScope, found: SqlRow, task: NewTask): Submitted {
  const known = taskFromRow(toTaskRow(found));
  try {
    checkSameTask(task.id, known, { type: task.type, params: JSON.parse(task.params) });
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return { outcome: "refused", id: task.id, error };
  }
  const again = task.retryEnded && retryEnded(scope, toTaskRow(found));
  return { outcome: again ? "retried" : "existing", id: task.id };
}

function holderOfKey(scope: SqlScope, { type, unique }: NewTask): string | null {
  if (unique === null) return null;
  const sql = typeof unique.scope === "string" ? LIVE_WITH_UNIQUE_KEY : NEWEST_WITH_UNIQUE_KEY;
  const now = scope.now();
  const rows = scope.sql(sql).all({ type, key: unique.key }).map(toTaskRow);
  const holder = rows.find((row) => {
    return holdsUniqueKey({ state: row.state, submittedAt: row.submitted_at }, unique.scope, now);
  });
  return holder?.id ?? null;
}

function submitFull(scope: SqlScope, task: NewTask, now: number): Submitted {
  const states = dependencyStates(scope, task);
  if (states instanceof WaybillError) return { outcome: "refused", id: task.id, error: states };
  const waits = task.dependsOn.some((d, at) => judgeDependency(d.outcome, states[at] ?? null) === "waits");
  const runAt = task.runAt ?? (task.delayMs === null ? null : now + task.delayMs);
  const state = runAt !== null && runAt > now ? "scheduled" : "queued";
  const row = toTaskRow(
    scope.sql(INSERT).get({
      id: task.id,
      type: task.type,
      state,
      gate: firstGate(scope, task, state, waits),
      priority: task.priority,
      max_attempts: task.maxAttempts,
      timeout_ms: task.timeoutMs,
      deadline_at: task.deadlineMs === null ? null : now + task.deadlineMs,
      run_at: state === "scheduled" ? runAt : null,
      submitted_at: now,
      concurrency_key: task.concurrencyKey,
      unique_key: task.unique?.key ?? null,
      parent_id: task.parentId,
      schedule: task.schedule,
      created_by: task.createdBy,
      tags: task.tags.length === 0 ? null : JSON.stringify(task.tags),
      trace: task.trace,
      params: task.params,
    }) ?? {},
  );
  for (const tag of new Set(task.tags)) {
    scope.sql("INSERT INTO task_tags (tag, seq) VALUES ($tag, $seq)").run({ tag, seq: row.seq });
  }
  recordPaths(scope, row.seq, task.paths);
  if (task.discoveredFrom !== null) recordDiscovery(scope, row.seq, task.discoveredFrom);
  appendEvent(scope, { type: "task.submitted", subject: task.id, data: { type: task.type } });
  const failure = recordDependencies(scope, task, row.seq, states);
  if (task.ended) endAsElsewhere(scope, row, task.ended);
  else if (failure !== null) endWaitingTask(scope, row, "cancelled", failure);
  return { outcome: "created", id: task.id };
}

/** @param seq of the task that was found during `other` */
export const recordDiscovery = (scope: SqlScope, seq: number, other: string): number =>
  scope
    .sql("INSERT OR IGNORE INTO task_links (seq, other_id, kind) VALUES ($seq, $other, 'discovered_from')")
    .run({ seq, other });

function firstGate(scope: SqlScope, task: NewTask, state: TaskState, waits: boolean): TaskGate {
  if (waits) return "dependencies";
  return state === "scheduled" ? "open" : gateOfKey(scope, { type: task.type, concurrency_key: task.concurrencyKey });
}

/** The states of what it depends on, in order. An unknown one is refused: it would be waited for for ever. */
function dependencyStates(scope: SqlScope, task: NewTask): readonly TaskState[] | WaybillError {
  const states: TaskState[] = [];
  for (const { id } of task.dependsOn) {
    const row = scope.sql("SELECT state FROM tasks WHERE id = $id").get({ id });
    if (row === undefined) {
      return new WaybillError("task_not_found", `Task ${task.id} depends on ${id}, which does not exist.`, {
        hint: "Submit what is depended on first, or before it in the same call.",
        details: { id: task.id, depends_on: id },
      });
    }
    states.push(row.state as TaskState);
  }
  return states;
}

/** @returns why the task cannot run, when one of what it depends on has ended otherwise already. */
function recordDependencies(
  scope: SqlScope,
  task: NewTask,
  seq: number,
  states: readonly TaskState[],
): TaskFailure | null {
  let failure: TaskFailure | null = null;
  task.dependsOn.forEach(({ id, outcome }, at) => {
    const state = states[at] ?? null;
    const verdict = judgeDependency(outcome, state);
    scope
      .sql(
        `INSERT INTO task_dependencies (seq, on_id, outcome, resolved) VALUES ($seq, $id, $outcome, $resolved)
         ON CONFLICT DO NOTHING`,
      )
      .run({ seq, id, outcome, resolved: verdict === "waits" ? 0 : 1 });
    if (verdict === "unmet") failure ??= unmet(id, outcome, state);
  });
  return failure;
}

/** The sequence of a task, by which pages go; null when unknown. */
export function sequenceOf(scope: SqlScope, id: string): number | null {
  const row = scope.sql("SELECT seq FROM tasks WHERE id = $id").get({ id });
  return row === undefined ? null : integer(row, "seq");
}
