/** What could be claimed: tasks that wait for nothing else, by priority, then age. */
import type { Task } from "../../domain/task.js";
import type { ReadyFilter } from "../task-store.js";
import type { SqliteStatement, SqlParams, SqlValue, SqlValues } from "./driver.js";
import { readQueues } from "./queues.js";
import { integer } from "./rows.js";
import type { SqlScope } from "./session.js";
import { LIMIT } from "./statements.js";
import { MOST_WALKS, typesIn } from "./task-queries.js";
import { type TaskRow, taskFromRow, toTaskRow } from "./task-rows.js";

const READY_COLUMNS = [
  "seq",
  "id",
  "type",
  "priority",
  "run",
  "attempt",
  "failures",
  "crashes",
  "suspect",
  "max_attempts",
  "timeout_ms",
  "deadline_at",
  "submitted_at",
  "concurrency_key",
  "rate_reserved",
  "parent_id",
  "trace",
  "tags",
  "has_paths",
  "params",
] as const satisfies readonly (keyof TaskRow)[];

export type ReadyRow = Pick<TaskRow, (typeof READY_COLUMNS)[number]>;

const columnsOf = (names: readonly string[]): string => names.map((name) => `tasks.${name}`).join(", ");
const CLAIMED = columnsOf(READY_COLUMNS);
const WHOLE = "tasks.*";
const ORDER = `ORDER BY priority DESC, seq ${LIMIT}`;

const numbered = (name: string, values: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(values.map((value, n) => [`${name}_${n}`, value]));

const merged = (types: number, walk: (n: number) => string): string =>
  `${Array.from({ length: types }, (_, n) => walk(n)).join(" UNION ALL ")} ${ORDER}`;

/** Types are one ordered walk each, which SQLite merges as far as the limit. */
export const readySql = (types: number, columns = CLAIMED): string =>
  merged(types, (n) => `SELECT ${columns} FROM tasks WHERE type = $type_${n} AND state = 'queued' AND gate = 'open'`);

/** The same walks among the tasks of the first tag, which are asked for the others. The rows come in any order. */
export function taggedSql(types: number, tags: number, columns = CLAIMED): string {
  const others = Array.from(
    { length: tags - 1 },
    (_, n) => ` AND EXISTS (SELECT 1 FROM task_tags WHERE tag = $tag_${n + 1} AND task_tags.seq = ready_tags.seq)`,
  ).join("");
  const walk = (n: number): string =>
    `SELECT priority, seq FROM ready_tags WHERE tag = $tag_0 AND type = $type_${n}${others}`;
  return `SELECT ${columns} FROM (${merged(types, walk)}) AS ready CROSS JOIN tasks ON tasks.seq = ready.seq`;
}

/** Beyond so many, one tag is as good as another to walk along. */
const MANY = 1_000;
export const READY_OF_TAG = `SELECT count(*) AS n FROM (SELECT 1 FROM ready_tags WHERE tag = $tag LIMIT ${MANY})`;

/** The tag with the fewest ready tasks first. */
function byRarity(scope: SqlScope, tags: readonly string[]): readonly string[] {
  if (tags.length < 2) return tags;
  const ready = (tag: string): number => integer(scope.sql(READY_OF_TAG).get({ tag }) ?? { n: 0 }, "n");
  return tags
    .map((tag) => ({ tag, n: ready(tag) }))
    .sort((a, b) => a.n - b.n)
    .map(({ tag }) => tag);
}

/** How the rows of a statement are read. */
type Read<Row> = (statement: SqliteStatement, params: SqlParams) => readonly Row[];

const whole: Read<TaskRow> = (statement, params) => statement.all(params).map(toTaskRow);

function toReadyRow(values: SqlValues): ReadyRow {
  const row: Record<string, SqlValue | undefined> = {};
  for (const [at, name] of READY_COLUMNS.entries()) row[name] = values[at];
  return row as unknown as ReadyRow;
}

/** Claims read many. */
const claimed: Read<ReadyRow> = (statement, params) => statement.values(params).map(toReadyRow);

interface Selection<Row> {
  readonly columns: string;
  readonly read: Read<Row>;
}

function select<Row extends Pick<TaskRow, "priority" | "seq">>(
  scope: SqlScope,
  { columns, read }: Selection<Row>,
  types: readonly string[],
  wanted: readonly string[],
  limit: number,
): readonly Row[] {
  const tags = byRarity(scope, wanted);
  const sqlOf = (count: number): string =>
    tags.length === 0 ? readySql(count, columns) : taggedSql(count, tags.length, columns);
  const groups = Array.from({ length: Math.ceil(types.length / MOST_WALKS) }, (_, n) =>
    types.slice(n * MOST_WALKS, (n + 1) * MOST_WALKS),
  );
  const rows = groups.flatMap((group) =>
    read(scope.sql(sqlOf(group.length)), { ...numbered("type", group), ...numbered("tag", tags), limit }),
  );
  if (groups.length <= 1 && tags.length === 0) return rows;
  return rows.sort((a, b) => b.priority - a.priority || a.seq - b.seq).slice(0, limit);
}

/** The next that could be claimed. */
export const readReady = (
  scope: SqlScope,
  types: readonly string[],
  tags: readonly string[],
  limit: number,
): readonly ReadyRow[] => select(scope, { columns: CLAIMED, read: claimed }, types, tags, limit);

/** Those of some types that are due although no claim has queued them yet; as many as a claim would. `+` keeps the walk by time. */
export const READY_WHEN_DUE = `
  SELECT * FROM tasks WHERE state = 'scheduled' AND run_at <= $now AND gate = 'open'
    AND +type IN (SELECT value FROM json_each($types)) ORDER BY run_at LIMIT 1000`;

/** See `TaskStore.listReady`. */
export function listReady(scope: SqlScope, { types, tags = [], limit }: ReadyFilter): readonly Task[] {
  const queues = readQueues(scope);
  const open = [...new Set(types ?? typesIn(scope))].filter((type) => queues.get(type)?.paused !== true);
  const queued = select(scope, { columns: WHOLE, read: whole }, open, [...new Set(tags)], limit).map(taskFromRow);
  const due = scope
    .sql(READY_WHEN_DUE)
    .all({ now: scope.now(), types: JSON.stringify(open) })
    .map((row) => taskFromRow(toTaskRow(row)))
    .filter((task) => tags.every((tag) => task.tags.includes(tag)));
  return [...queued, ...due].sort((a, b) => b.priority - a.priority || a.sequence - b.sequence).slice(0, limit);
}
