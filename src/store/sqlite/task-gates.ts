/**
 * What a queued task waits for. Only tasks with an open gate are in the index that claims walk, so that a claim costs the
 * same however many wait for a key, for paths or for other tasks; whoever changes what they wait for opens the gate.
 */
import { type DependencyOutcome, judgeDependency } from "../../domain/dependency.js";
import { RUNNING_RANK, TURN_MS } from "../../domain/path-line.js";
import type { PathScope } from "../../domain/path-scope.js";
import { plainFailure, type TaskFailure, type TaskState, waitsForPerson } from "../../domain/task.js";
import { appendEvent } from "./event-log.js";
import { leavePlaces, standInLine, standingOf } from "./path-places.js";
import { integer } from "./rows.js";
import type { SqlScope } from "./session.js";
import { LIMIT } from "./statements.js";
import { failureParams, type TaskRow, toTaskRow } from "./task-rows.js";

const KEY_LIMIT = "SELECT key_concurrency FROM queues WHERE type = $type";

/** Running, or with an open gate: these have the slots of their key. Counted as far as the limit. */
export const KEY_HOLDERS = `
  SELECT count(*) AS n FROM (SELECT 1 FROM tasks WHERE type = $type AND concurrency_key = $key
    AND concurrency_key IS NOT NULL AND (state = 'running' OR (state = 'queued' AND gate = 'open')) ${LIMIT})`;

export const NEXT_OF_KEY = `
  SELECT seq FROM tasks WHERE type = $type AND concurrency_key = $key AND state = 'queued' AND gate = 'key'
  ORDER BY priority DESC, seq LIMIT 1`;

export const WAITING_KEYS = `
  SELECT DISTINCT concurrency_key AS key FROM tasks WHERE type = $type AND state = 'queued' AND gate = 'key'`;

export const WAITING_ON = `
  SELECT seq, outcome FROM task_dependencies WHERE on_id = $id AND resolved = 0`;

export const UNRESOLVED = "SELECT 1 FROM task_dependencies WHERE seq = $seq AND resolved = 0 LIMIT 1";

const WAITING_FOR = "SELECT seq, priority FROM path_waits WHERE holder = $holder";
export const PATH_WAITERS = `
  ${WAITING_FOR} AND priority = $priority AND seq > $seq UNION ALL ${WAITING_FOR} AND priority < $priority
  ORDER BY priority DESC, seq ${LIMIT}`;
export const CALLS = "SELECT holder, priority, seq FROM path_calls ORDER BY holder LIMIT 1";
export const UNCALLED = `
  SELECT tasks.seq FROM tasks CROSS JOIN path_waits ON path_waits.seq = tasks.seq
  CROSS JOIN path_calls ON path_calls.holder = path_waits.holder WHERE tasks.id = $id`;

/** How many that waited for the paths of a task one write calls at most; the others are called by the next claims. */
const MOST_CALLED = 100;

const QUEUE = `
  UPDATE tasks SET state = 'queued', gate = $gate, question = NULL, run_at = NULL WHERE seq = $seq`;

type Keyed = Pick<TaskRow, "type" | "concurrency_key">;

/** The gate of a task that waits for no other tasks. */
export function gateOfKey(scope: SqlScope, { type, concurrency_key: key }: Keyed): "open" | "key" {
  if (key === null) return "open";
  const limits = scope.sql(KEY_LIMIT).get({ type });
  const limit = limits === undefined ? 1 : integer(limits, "key_concurrency");
  const holders = scope.sql(KEY_HOLDERS).get({ type, key, limit });
  return holders === undefined || integer(holders, "n") < limit ? "open" : "key";
}

/** Lets waiting tasks of a key through while it has room. To be called when one of its tasks stops holding a slot. */
export function openKey(scope: SqlScope, keyed: Keyed): void {
  if (keyed.concurrency_key === null) return;
  while (gateOfKey(scope, keyed) === "open") {
    const next = scope.sql(NEXT_OF_KEY).get({ type: keyed.type, key: keyed.concurrency_key });
    if (next === undefined) return;
    scope.sql("UPDATE tasks SET gate = 'open' WHERE seq = $seq").run({ seq: integer(next, "seq") });
  }
}

/** Lets tasks through after the limit of their type's keys has grown. */
export function openKeysOf(scope: SqlScope, type: string): void {
  for (const row of scope.sql(WAITING_KEYS).all({ type })) {
    openKey(scope, { type, concurrency_key: row.key as string });
  }
}

/** A task that waited for a time or a person, or ran, waits for an engine; unless other tasks or its key hold it. */
export function queueTask(scope: SqlScope, row: TaskRow, why: string): void {
  const held = row.gate !== "open" && scope.sql(UNRESOLVED).get({ seq: row.seq }) !== undefined;
  scope.sql(QUEUE).run({ seq: row.seq, gate: held ? "dependencies" : gateOfKey(scope, row) });
  appendEvent(scope, { type: "task.queued", subject: row.id, data: { why } });
}

/** Ends a task that waits, and tells those that wait for it. */
export function endWaitingTask(
  scope: SqlScope,
  row: TaskRow,
  state: "failed" | "cancelled",
  failure: TaskFailure,
): void {
  scope
    .sql(
      `UPDATE tasks SET state = $state, gate = 'open', question = NULL, run_at = NULL, ended_at = $now, error_code = $error_code,
         error_name = $error_name, error_message = $error_message
       WHERE seq = $seq`,
    )
    .run({ seq: row.seq, state, now: scope.now(), ...failureParams(failure) });
  appendEvent(scope, { type: "task.finished", subject: row.id, data: { state, error_code: failure.code } });
  afterEnd(scope, row, state);
}

/** A task that would take paths which another has, or is to have first, waits for that one. */
export function waitForPaths(
  scope: SqlScope,
  row: Keyed & Pick<TaskRow, "seq" | "priority">,
  paths: readonly PathScope[],
  holder: number,
): void {
  scope.sql("UPDATE tasks SET gate = 'paths' WHERE seq = $seq").run({ seq: row.seq });
  scope
    .sql(
      `INSERT INTO path_waits (seq, priority, holder) VALUES ($seq, $priority, $holder)
       ON CONFLICT DO UPDATE SET holder = excluded.holder, turn_until = NULL`,
    )
    .run({ seq: row.seq, priority: row.priority, holder });
  standInLine(scope, standingOf(row), paths);
  openKey(scope, row);
}

/** A task whose paths are free is queued, and has its turn. */
function call(scope: SqlScope, seq: number): void {
  const turn = "UPDATE path_waits SET holder = NULL, turn_until = $until WHERE seq = $seq";
  scope.sql(turn).run({ seq, until: scope.now() + TURN_MS });
  const found = scope.sql("SELECT * FROM tasks WHERE seq = $seq").get({ seq });
  if (found !== undefined) queueTask(scope, toTaskRow(found), "paths");
}

/** Before all who wait. */
const FROM_THE_FIRST = { priority: RUNNING_RANK, seq: 0 };

/** Calls the next of those that wait for the paths of a task, by priority, then age. */
function callAfter(scope: SqlScope, holder: number, from: Pick<TaskRow, "priority" | "seq">): void {
  const { priority, seq } = from;
  const waiting = scope.sql(PATH_WAITERS).all({ holder, priority, seq, limit: MOST_CALLED });
  for (const row of waiting) call(scope, integer(row, "seq"));
  const last = waiting.length < MOST_CALLED ? undefined : waiting.at(-1);
  if (last === undefined) scope.sql("DELETE FROM path_calls WHERE holder = $holder").run({ holder });
  else scope.sql("INSERT OR REPLACE INTO path_calls VALUES ($holder, $priority, $seq)").run({ holder, ...last });
}

/** Goes on calling where a write has called as many as it could. */
export function callMore(scope: SqlScope): void {
  const next = scope.sql(CALLS).get();
  if (next === undefined) return;
  callAfter(scope, integer(next, "holder"), { priority: integer(next, "priority"), seq: integer(next, "seq") });
}

/** Calls a task now that one of the next claims would call. */
export function callEarly(scope: SqlScope, id: string): void {
  const found = scope.sql(UNCALLED).get({ id });
  if (found !== undefined) call(scope, integer(found, "seq"));
}

/** A task waits for paths no longer, and does not have them either: they are free for those that waited for it. */
export function leaveLine(scope: SqlScope, seq: number): void {
  scope.sql("DELETE FROM path_waits WHERE seq = $seq").run({ seq });
  leavePlaces(scope, seq);
  callAfter(scope, seq, FROM_THE_FIRST);
}

type Ended = Keyed & Pick<TaskRow, "id" | "seq" | "has_paths">;

/** What the end or removal (null) of a task sets free: the slot of its key, its paths, and tasks that waited for it. */
export function afterEnd(scope: SqlScope, ended: Ended, state: TaskState | null): void {
  openKey(scope, ended);
  if (ended.has_paths === 1) leaveLine(scope, ended.seq);
  for (const waiting of scope.sql(WAITING_ON).all({ id: ended.id })) {
    const verdict = judgeDependency(waiting.outcome as DependencyOutcome, state);
    if (verdict === "waits") continue;
    const seq = integer(waiting, "seq");
    scope.sql("UPDATE task_dependencies SET resolved = 1 WHERE seq = $seq AND on_id = $id").run({ seq, id: ended.id });
    const found = scope.sql("SELECT * FROM tasks WHERE seq = $seq AND state IN ('queued', 'scheduled')").get({ seq });
    if (found === undefined) continue;
    const row = toTaskRow(found);
    if (verdict === "unmet") {
      endWaitingTask(scope, row, "cancelled", unmet(ended.id, waiting.outcome as DependencyOutcome, state));
    } else openIfFree(scope, row);
  }
}

/** Lets a task through that waits for no other tasks any more. One that waits for a person goes on with that. */
export function openIfFree(scope: SqlScope, row: TaskRow): void {
  if (row.gate !== "dependencies" || scope.sql(UNRESOLVED).get({ seq: row.seq }) !== undefined) return;
  openDependencies(scope, row);
}

/** A task that is to wait for others leaves what it held while it waited. To be called once it has such a dependency. */
export function holdForDependencies(scope: SqlScope, row: TaskRow): void {
  if (row.gate === "dependencies" || waitsForPerson(row.gate)) return;
  scope.sql("UPDATE tasks SET gate = 'dependencies' WHERE seq = $seq").run({ seq: row.seq });
  openKey(scope, row);
  if (row.has_paths === 1) leaveLine(scope, row.seq);
}

/** A task that is not yet due only forgets what it waited for; the gate of its key is asked when it is. */
function openDependencies(scope: SqlScope, row: TaskRow): void {
  if (row.state === "queued") queueTask(scope, row, "dependencies");
  else scope.sql("UPDATE tasks SET gate = 'open' WHERE seq = $seq").run({ seq: row.seq });
}

export const unmet = (id: string, outcome: DependencyOutcome, state: TaskState | null): TaskFailure => {
  const message = `Task ${id} ended as ${state ?? "removed"}; this task waited for it to be ${outcome}.`;
  return plainFailure("dependency_unmet", message);
};
