/** Submissions inside a transaction that the caller has open on the store's own file: both are durable together, or neither. */
import { WaybillError } from "../../domain/errors.js";
import type { NewTask, Submitted } from "../task-store.js";
import type { SqliteConnection, SqliteStatement, SqlParams, SqlRow, SqlValues } from "./driver.js";
import { SCHEMA_VERSION, schemaVersionOf } from "./migrate.js";
import type { SqlScope } from "./session.js";
import { Statements } from "./statements.js";
import { submitTasks } from "./task-submit.js";

interface CallerStatement {
  run(...params: unknown[]): { readonly changes: number };
  get(...params: unknown[]): unknown;
  all(...params: unknown[]): unknown[];
}

/** What is used of the caller's database: a `Database` of better-sqlite3 is one. */
export interface CallerDatabase {
  readonly name: string;
  readonly inTransaction: boolean;
  prepare(sql: string): CallerStatement;
}

const parameters = (params?: SqlParams | SqlValues): unknown[] => (params === undefined ? [] : [params]);

const toStatement = (inner: CallerStatement): SqliteStatement => ({
  run: (params) => inner.run(...parameters(params)).changes,
  get: (params) => inner.get(...parameters(params)) as SqlRow | undefined,
  all: (params) => inner.all(...parameters(params)) as SqlRow[],
  values: (params) => (inner.all(params) as SqlRow[]).map((row) => Object.values(row)),
});

/** Never closed, and no transaction begun: both are the caller's affair. */
function toConnection(database: CallerDatabase): SqliteConnection {
  return {
    exec: (sql) => void database.prepare(sql).run(),
    prepare: (sql) => toStatement(database.prepare(sql)),
    get inTransaction() {
      return database.inTransaction;
    },
    close: () => undefined,
  };
}

const known = new WeakMap<CallerDatabase, Statements>();

function statementsOf(database: CallerDatabase): Statements {
  const made = known.get(database);
  if (made !== undefined) return made;
  const connection = toConnection(database);
  const version = schemaVersionOf(connection, database.name);
  if (version !== SCHEMA_VERSION) {
    throw new WaybillError(
      "store_unsupported",
      `The database ${database.name} has schema ${version}; expected ${SCHEMA_VERSION}.`,
      {
        hint: "Open the file once as a store, for example with openEngine, and use that same file here.",
        details: { path: database.name, version, needed: SCHEMA_VERSION },
      },
    );
  }
  const statements = new Statements(connection);
  known.set(database, statements);
  return statements;
}

/**
 * Submits with the statements that the store itself uses. The tasks are there once the caller commits.
 *
 * Errors: `invalid_state` outside of a transaction; `store_unsupported`, `store_newer` and `store_corrupt` for a file that
 * is no store of this version; what the caller's database throws, as it is.
 */
export function submitWithinTransaction(database: CallerDatabase, tasks: readonly NewTask[]): readonly Submitted[] {
  if (!database.inTransaction) {
    throw new WaybillError("invalid_state", "The database has no open transaction.", {
      hint: "Call it inside database.transaction(…), together with the writes that belong to the task.",
    });
  }
  const statements = statementsOf(database);
  const scope: SqlScope = { sql: (text) => statements.get(text), now: Date.now };
  return submitTasks(scope, tasks);
}
