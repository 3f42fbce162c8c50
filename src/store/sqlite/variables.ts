/** Variables in SQLite. A scope's chain is walked over the runs' parents, so that no row has to be kept for a scope. */
import { checkVariable, ROOT_SCOPE, type ValueFormat, type Variable } from "../../domain/variable.js";
import type { VariableAnswer, VariablePage, VariableStore, VariableWrite } from "../variable-store.js";
import { nextOf } from "./counters.js";
import type { SqlRow } from "./driver.js";
import { integer, text } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

/** How many ancestors are looked at: a guard against a chain that somebody made circular by hand. */
const DEEPEST = 100;

/** The scope, its ancestors by parent run, and root, the nearest first. */
const CHAIN = `
  WITH RECURSIVE line (scope, depth) AS (
    VALUES ($scope, 0)
    UNION ALL
    SELECT runs.parent_run_id, depth + 1 FROM line JOIN runs ON runs.id = line.scope
    WHERE runs.parent_run_id IS NOT NULL AND depth < ${DEEPEST}
  ), chain (scope, depth) AS (
    SELECT * FROM line WHERE scope <> '${ROOT_SCOPE}' UNION ALL VALUES ('${ROOT_SCOPE}', ${DEEPEST + 1})
  )`;

const LIVE = "(expires_at IS NULL OR expires_at > $now)";

/** CROSS JOIN keeps the chain outside: a few probes by key, however many variables there are. */
export const GET_VARIABLE = `${CHAIN}
  SELECT variables.* FROM chain CROSS JOIN variables USING (scope)
  WHERE key = $key AND ${LIVE} ORDER BY depth LIMIT 1`;

/** SQLite takes the other columns from the row that has the minimum (https://sqlite.org/lang_select.html, 3.2). */
export const LIST_VARIABLES = `${CHAIN}
  SELECT variables.*, min(depth) FROM chain CROSS JOIN variables USING (scope)
  WHERE (NOT $own OR scope = $scope) AND key > $after AND key >= $prefix AND key < $prefix || char(0x10FFFF) AND ${LIVE}
  GROUP BY key HAVING NOT removed ORDER BY key ${LIMIT}`;

const UPSERT = `
  INSERT INTO variables (scope, key, value, format, revision, removed, updated_at, expires_at)
  VALUES ($scope, $key, $value, $format, $revision, $removed, $now, $expires_at)
  ON CONFLICT (scope, key) DO UPDATE SET
    value = excluded.value, format = excluded.format, revision = excluded.revision, removed = excluded.removed,
    updated_at = excluded.updated_at, expires_at = excluded.expires_at
  RETURNING *`;

/** Expired rows go a few at a time with the writes that come after, so that no write pays for many. */
const SWEEP = `
  DELETE FROM variables WHERE rowid IN (
    SELECT rowid FROM variables WHERE expires_at IS NOT NULL AND expires_at <= $now LIMIT 10)`;

/** A run's scope and those of the runs below it. */
const REMOVE_WITH_RUNS = `
  WITH RECURSIVE below (scope) AS (
    VALUES ($run_id) UNION SELECT runs.id FROM below JOIN runs ON runs.parent_run_id = below.scope
  )
  DELETE FROM variables WHERE scope IN (SELECT scope FROM below)`;

const fromRow = (row: SqlRow): Variable => ({
  key: text(row, "key"),
  value: text(row, "value"),
  format: row.format as ValueFormat,
  revision: integer(row, "revision"),
  origin: text(row, "scope"),
  updatedAt: integer(row, "updated_at"),
  expiresAt: row.expires_at as number | null,
});

function get(session: Session, scope: string, key: string): Variable | null {
  const row = session.sql(GET_VARIABLE).get({ scope, key, now: session.now() });
  return row === undefined || row.removed === 1 ? null : fromRow(row);
}

/** What the scope itself holds. */
function getOwn(session: Session, scope: string, key: string): Variable | null {
  const sql = `SELECT * FROM variables WHERE scope = $scope AND key = $key AND NOT removed AND ${LIVE}`;
  const row = session.sql(sql).get({ scope, key, now: session.now() });
  return row === undefined ? null : fromRow(row);
}

function put(session: Session, write: Omit<VariableWrite, "condition">, removed: boolean): Variable {
  const { scope, key, value, format, ttlMs } = write;
  const now = session.now();
  session.sql(SWEEP).run({ now });
  const expires_at = ttlMs === null ? null : now + ttlMs;
  const revision = nextOf(session, "revision");
  const params = { scope, key, value, format, revision, removed: removed ? 1 : 0, now, expires_at };
  const row = session.sql(UPSERT).get(params);
  return fromRow(row as SqlRow);
}

function set(session: Session, write: VariableWrite): VariableAnswer {
  const { condition } = write;
  if (condition !== null) {
    const found = getOwn(session, write.scope, write.key);
    const holds = condition === "absent" ? found === null : found?.revision === condition;
    if (!holds) return { written: false, found };
  }
  return { written: true, variable: put(session, write, false) };
}

const WHOLE = /^-?\d+$/;

function increment(session: Session, scope: string, key: string, by: number): Variable | null {
  const found = get(session, scope, key);
  const sum = Number(found?.value ?? "0") + by;
  if ((found !== null && !WHOLE.test(found.value)) || !Number.isSafeInteger(sum)) return null;
  const left = found?.expiresAt == null ? null : found.expiresAt - session.now();
  return put(session, { scope, key, value: String(sum), format: "text", ttlMs: left }, false);
}

/** A tombstone is needed only where an ancestor would shine through. */
function remove(session: Session, scope: string, key: string): boolean {
  if (get(session, scope, key) === null) return false;
  session.sql("DELETE FROM variables WHERE scope = $scope AND key = $key").run({ scope, key });
  if (get(session, scope, key) !== null) put(session, { scope, key, value: "", format: "text", ttlMs: null }, true);
  return true;
}

function drop(session: Session, scope: string, key: string): boolean {
  const held = getOwn(session, scope, key) !== null;
  session.sql("DELETE FROM variables WHERE scope = $scope AND key = $key").run({ scope, key });
  return held;
}

/** Removes what a run and the runs below it kept; inside a write, when the run at their top has ended. */
export function removeScopesOf(session: Session, runId: string): void {
  session.sql(REMOVE_WITH_RUNS).run({ run_id: runId });
}

export function sqliteVariables(session: Session): VariableStore {
  const list = (scope: string, { prefix, own, after, limit }: VariablePage) =>
    session
      .sql(LIST_VARIABLES)
      .all({ scope, prefix, own: own ? 1 : 0, after: after ?? "", limit, now: session.now() })
      .map(fromRow);
  return {
    getVariable: async (scope, key) => {
      checkVariable(scope, key);
      return await session.read(() => get(session, scope, key));
    },
    listVariables: (scope, page) => session.read(() => list(scope, page)),
    setVariable: async (write) => {
      checkVariable(write.scope, write.key, write.value);
      return await session.write(() => set(session, write));
    },
    incrementVariable: async (scope, key, by) => {
      checkVariable(scope, key);
      return await session.write(() => increment(session, scope, key, by));
    },
    removeVariable: async (scope, key) => {
      checkVariable(scope, key);
      return await session.write(() => remove(session, scope, key));
    },
    dropVariable: async (scope, key) => {
      checkVariable(scope, key);
      return await session.write(() => drop(session, scope, key));
    },
    removeScope: (scope) =>
      session.write(() => session.sql("DELETE FROM variables WHERE scope = $scope").run({ scope })),
  };
}
