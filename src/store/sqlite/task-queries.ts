/** Reading tasks. Every query has an index of its own; `task-query-plans.test.ts` proves it. */
import type { Dependency, DependencyOutcome } from "../../domain/dependency.js";
import { ENDED_TASK_STATES, TASK_STATES, type Task, type TaskState } from "../../domain/task.js";
import type { TaskFilter, TaskPage, TaskStore, TypeStats } from "../task-store.js";
import type { SqlParams } from "./driver.js";
import { integer, text } from "./rows.js";
import type { Session, SqlScope } from "./session.js";
import { LIMIT, sqlList } from "./statements.js";
import { taskFromRow, toTaskRow } from "./task-rows.js";
import { sequenceOf } from "./task-submit.js";

export const TASKS_BY_PREFIX = `
  SELECT * FROM tasks WHERE id >= $prefix AND id < $prefix || char(0x10FFFF) ORDER BY id ${LIMIT}`;
const TASKS_BY_IDS = "SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each($ids))";
/** Those that are live are few beside the ones that were asked for and have ended. */
export const LIVE_AMONG = `
  SELECT id FROM tasks
  WHERE id IN (SELECT value FROM json_each($ids)) AND state NOT IN (${sqlList(ENDED_TASK_STATES)})`;
export const DEPENDENCIES = `
  SELECT on_id, outcome FROM task_dependencies WHERE seq = (SELECT seq FROM tasks WHERE id = $id) ORDER BY on_id`;

/** Each type once, by one look into the index for each. */
export const TYPES = `
  WITH RECURSIVE types (type) AS (
    SELECT (SELECT min(type) FROM tasks)
    UNION ALL SELECT (SELECT min(type) FROM tasks WHERE type > types.type) FROM types WHERE type IS NOT NULL)
  SELECT type FROM types WHERE type IS NOT NULL`;
export const COUNT_OF_TYPE = "SELECT count(*) AS n FROM tasks WHERE type = $type AND state = $state";
export const OLDEST_QUEUED = `
  SELECT submitted_at FROM tasks WHERE type = $type AND state = 'queued' ORDER BY seq LIMIT 1`;

/** SQLite merges at most 500 walks; beyond that a filter walks all tasks. */
export const MOST_WALKS = 400;

interface Walk {
  readonly sql: string;
  readonly params: SqlParams;
}

/** A page as ordered walks of one index, one for each type and state; null when nothing can match. */
export function listTasksWalk(filter: TaskFilter, types: readonly string[], bounded: boolean): Walk | null {
  const states = TASK_STATES.filter((state) => filter.states?.includes(state) ?? true);
  if (states.length === 0) return null;
  const bound = bounded ? " AND tasks.seq < $before" : "";
  if (filter.tag !== undefined || filter.parentId !== undefined) return listNarrow(filter, states, bound);
  const all = states.length === TASK_STATES.length && filter.types === undefined;
  if (all || types.length * states.length > MOST_WALKS) return listBroad(filter, states, bound);
  if (types.length === 0) return null;
  const walks = types.flatMap((_type, n) =>
    states.map((state) => `SELECT * FROM tasks WHERE type = $type_${n} AND state = '${state}'${bound}`),
  );
  const params = Object.fromEntries(types.map((type, n) => [`type_${n}`, type]));
  return { sql: `${walks.join(" UNION ALL ")} ORDER BY seq DESC ${LIMIT}`, params };
}

const statesAnd = (states: readonly TaskState[]): string =>
  states.length === TASK_STATES.length ? "" : ` AND state IN (${sqlList(states)})`;
const typesAnd = ({ types }: TaskFilter): string =>
  types === undefined ? "" : " AND type IN (SELECT value FROM json_each($types))";

/** A tag or a parent has few tasks: those are walked, and the rest of the filter is asked of each. */
function listNarrow(filter: TaskFilter, states: readonly TaskState[], bound: string): Walk {
  const rest = `${statesAnd(states)}${typesAnd(filter)}`;
  const params = {
    types: JSON.stringify(filter.types ?? []),
    tag: filter.tag ?? null,
    parent: filter.parentId ?? null,
  };
  if (filter.parentId !== undefined) {
    const tagged =
      filter.tag === undefined ? "" : " AND EXISTS (SELECT 1 FROM task_tags WHERE tag = $tag AND seq = tasks.seq)";
    const where = `parent_id = $parent${bound}${rest}${tagged}`;
    return { sql: `SELECT * FROM tasks WHERE ${where} ORDER BY seq DESC ${LIMIT}`, params };
  }
  const from = "task_tags CROSS JOIN tasks ON tasks.seq = task_tags.seq";
  const where = `task_tags.tag = $tag${bound.replace("tasks.seq", "task_tags.seq")}${rest}`;
  return { sql: `SELECT tasks.* FROM ${from} WHERE ${where} ORDER BY task_tags.seq DESC ${LIMIT}`, params };
}

function listBroad(filter: TaskFilter, states: readonly TaskState[], bound: string): Walk {
  const where = `tasks.seq > 0${bound}${statesAnd(states)}${typesAnd(filter)}`;
  const sql = `SELECT * FROM tasks WHERE ${where} ORDER BY seq DESC ${LIMIT}`;
  return { sql, params: { types: JSON.stringify(filter.types ?? []) } };
}

/** Every type of which there are tasks. */
export const typesIn = (scope: SqlScope): readonly string[] =>
  scope
    .sql(TYPES)
    .all()
    .map((row) => text(row, "type"));

function listTasks(scope: SqlScope, filter: TaskFilter, page: TaskPage): readonly Task[] {
  const before = page.before === undefined ? null : sequenceOf(scope, page.before);
  if (page.before !== undefined && before === null) return [];
  const walk = listTasksWalk(filter, [...new Set(filter.types ?? typesIn(scope))], before !== null);
  if (walk === null) return [];
  const params = { ...walk.params, before, limit: page.limit };
  return scope.sql(walk.sql).all(params).map(toTaskRow).map(taskFromRow);
}

function statsOf(scope: SqlScope, type: string): TypeStats {
  const count = (state: TaskState): number => integer(scope.sql(COUNT_OF_TYPE).get({ type, state }) ?? { n: 0 }, "n");
  const oldest = scope.sql(OLDEST_QUEUED).get({ type });
  const states = Object.fromEntries(TASK_STATES.map((state) => [state, count(state)])) as Record<TaskState, number>;
  return { type, states, oldestQueuedAt: oldest === undefined ? null : integer(oldest, "submitted_at") };
}

export function readTask(scope: SqlScope, id: string): Task | null {
  const row = scope.sql("SELECT * FROM tasks WHERE id = $id").get({ id });
  return row === undefined ? null : taskFromRow(toTaskRow(row));
}

type TaskQueries = Pick<
  TaskStore,
  "getTask" | "getTasks" | "endedAmong" | "findTasksByPrefix" | "listTasks" | "taskStats" | "dependenciesOf"
>;

export function taskQueries(session: Session): TaskQueries {
  const many = (sql: string, params: SqlParams): Promise<readonly Task[]> =>
    session.read(() => session.sql(sql).all(params).map(toTaskRow).map(taskFromRow));
  return {
    getTask: (id) => session.read(() => readTask(session, id)),
    getTasks: async (ids) =>
      new Map((await many(TASKS_BY_IDS, { ids: JSON.stringify(ids) })).map((task) => [task.id, task])),
    endedAmong: (ids) =>
      session.read(() => {
        const rows = session.sql(LIVE_AMONG).all({ ids: JSON.stringify(ids) });
        const live = new Set(rows.map((row) => text(row, "id")));
        return ids.filter((id) => !live.has(id));
      }),
    findTasksByPrefix: (prefix, limit) => many(TASKS_BY_PREFIX, { prefix, limit }),
    listTasks: (filter, page) => session.snapshot(() => listTasks(session, filter, page)),
    taskStats: () => session.snapshot(() => typesIn(session).map((type) => statsOf(session, type))),
    dependenciesOf: (id) =>
      session.read(() =>
        session
          .sql(DEPENDENCIES)
          .all({ id })
          .map((row): Dependency => ({ id: text(row, "on_id"), outcome: row.outcome as DependencyOutcome })),
      ),
  };
}
