/** What could be claimed: tasks that wait for nothing else, by priority, then age. */
import type { Task } from "../../domain/task.js";
import type { ReadyFilter } from "../task-store.js";
import type { SqliteStatement, SqlParams, SqlValue, SqlValues } from "./driver.js";
import { readQueues } from "./queues.js";
import { integer } from "./rows.js";
import type { SqlScope } from "./session.js";
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

const CLAIMED = READY_COLUMNS.join(", ");
const WHOLE = "tasks.*";
const ORDER = "ORDER BY priority DESC, seq LIMIT $limit";
const READY = "state = 'queued' AND gate = 'open'";

const numbered = (name: string, values: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(values.map((value, n) => [`${name}_${n}`, value]));

const carriesTag = (n: number): string =>
  ` AND EXISTS (SELECT 1 FROM task_tags WHERE tag = $tag_${n} AND task_tags.seq = tasks.seq)`;
const carries = (from: number, to: number): string =>
  Array.from({ length: Math.max(0, to - from) }, (_, n) => carriesTag(from + n)).join("");

/** Types are one ordered walk each, which SQLite merges as far as the limit. */
export const readySql = (types: number, tags = 0, columns = CLAIMED): string =>
  `${Array.from(
    { length: types },
    (_, n) => `SELECT ${columns} FROM tasks WHERE type = $type_${n} AND ${READY}${carries(0, tags)}`,
  ).join(" UNION ALL ")} ${ORDER}`;

/** The few tasks of the first tag, sorted. */
export const taggedSql = (tags: number, columns = CLAIMED): string => `
  SELECT ${columns} FROM (SELECT seq AS tagged FROM task_tags WHERE tag = $tag_0) CROSS JOIN tasks ON tasks.seq = tagged
  WHERE ${READY} AND type IN (SELECT value FROM json_each($types))${carries(1, tags)} ${ORDER}`;

/** So many tasks of a tag are sorted rather than looked for among all that are ready. */
const FEW = 1_000;
export const FEW_OF_TAG = `SELECT count(*) AS n FROM (SELECT 1 FROM task_tags WHERE tag = $tag LIMIT ${FEW})`;

/** The tags, the rarest first when it is rare; whether it is. */
function byRarity(
  scope: SqlScope,
  tags: readonly string[],
): { readonly tags: readonly string[]; readonly few: boolean } {
  const counted = tags.map((tag) => ({ tag, n: integer(scope.sql(FEW_OF_TAG).get({ tag }) ?? { n: 0 }, "n") }));
  const sorted = counted.sort((a, b) => a.n - b.n);
  return { tags: sorted.map(({ tag }) => tag), few: (sorted[0]?.n ?? FEW) < FEW };
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
  if (types.length === 0) return [];
  const { tags, few } = byRarity(scope, wanted);
  const tagParams = numbered("tag", tags);
  if (few) {
    const params = { ...tagParams, types: JSON.stringify(types), limit };
    return read(scope.sql(taggedSql(tags.length, columns)), params);
  }
  const groups = Array.from({ length: Math.ceil(types.length / MOST_WALKS) }, (_, n) =>
    types.slice(n * MOST_WALKS, (n + 1) * MOST_WALKS),
  );
  const rows = groups.flatMap((group) =>
    read(scope.sql(readySql(group.length, tags.length, columns)), { ...numbered("type", group), ...tagParams, limit }),
  );
  if (groups.length === 1) return rows;
  return rows.sort((a, b) => b.priority - a.priority || a.seq - b.seq).slice(0, limit);
}

/** The next that could be claimed. */
export const readReady = (
  scope: SqlScope,
  types: readonly string[],
  tags: readonly string[],
  limit: number,
): readonly ReadyRow[] => select(scope, { columns: CLAIMED, read: claimed }, types, tags, limit);

/** Those that are due although no claim has queued them yet. */
export const READY_WHEN_DUE = `
  SELECT * FROM tasks WHERE state = 'scheduled' AND run_at <= $now AND gate = 'open' ORDER BY run_at LIMIT $limit`;

/** See `TaskStore.listReady`. */
export function listReady(scope: SqlScope, { types, tags = [], limit }: ReadyFilter): readonly Task[] {
  const queues = readQueues(scope);
  const open = [...new Set(types ?? typesIn(scope))].filter((type) => queues.get(type)?.paused !== true);
  const queued = select(scope, { columns: WHOLE, read: whole }, open, [...new Set(tags)], limit);
  const due = scope
    .sql(READY_WHEN_DUE)
    .all({ now: scope.now(), limit })
    .map(toTaskRow)
    .filter((row) => open.includes(row.type));
  const found = [
    ...queued.map(taskFromRow),
    ...due.map(taskFromRow).filter((task) => tags.every((tag) => task.tags.includes(tag))),
  ];
  return found.sort((a, b) => b.priority - a.priority || a.sequence - b.sequence).slice(0, limit);
}
