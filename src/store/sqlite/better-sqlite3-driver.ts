import Database from "better-sqlite3";
import type {
  SqliteConnection,
  SqliteDriver,
  SqliteFault,
  SqliteStatement,
  SqlParams,
  SqlRow,
  SqlValues,
} from "./driver.js";

/** Primary result codes (https://sqlite.org/rescode.html); an extended code starts with its primary one. */
const FAULTS: readonly (readonly [prefix: string, fault: SqliteFault])[] = [
  ["SQLITE_BUSY", "busy"],
  ["SQLITE_LOCKED", "busy"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_READONLY", "readonly"],
  ["SQLITE_PERM", "readonly"],
  ["SQLITE_CANTOPEN", "cannot_open"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  ["SQLITE_IOERR", "io"],
  ["SQLITE_CONSTRAINT", "constraint"],
];

class Statement implements SqliteStatement {
  readonly #inner: Database.Statement<(SqlParams | SqlValues)[], SqlRow>;

  constructor(inner: Database.Statement<(SqlParams | SqlValues)[], SqlRow>) {
    this.#inner = inner;
  }

  run(params?: SqlParams | SqlValues): number {
    return (params === undefined ? this.#inner.run() : this.#inner.run(params)).changes;
  }

  get(params?: SqlParams): SqlRow | undefined {
    return params === undefined ? this.#inner.get() : this.#inner.get(params);
  }

  all(params?: SqlParams): readonly SqlRow[] {
    return params === undefined ? this.#inner.all() : this.#inner.all(params);
  }

  values(params: SqlParams): readonly SqlValues[] {
    try {
      return this.#inner.raw(true).all(params) as unknown as readonly SqlValues[];
    } finally {
      this.#inner.raw(false);
    }
  }
}

class Connection implements SqliteConnection {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): SqliteStatement {
    return new Statement(this.#database.prepare(sql));
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  close(): void {
    this.#database.close();
  }
}

/** The default binding. Its `timeout` is 0: waiting is done by the event loop (`group-commit.ts`), never inside SQLite. */
export const betterSqlite3Driver: SqliteDriver = {
  open(source, { readOnly }) {
    const where = typeof source === "string" ? source : Buffer.from(source);
    return new Connection(new Database(where, { readonly: readOnly, timeout: 0 }));
  },
  faultOf(error) {
    if (!(error instanceof Database.SqliteError)) return null;
    return FAULTS.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? "other";
  },
};
