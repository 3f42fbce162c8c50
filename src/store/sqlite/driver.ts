/**
 * What the store needs of a SQLite binding, and no more, so that `node:sqlite` can take the place of better-sqlite3
 * once it is stable on every Node that is supported.
 *
 * Everything is synchronous: one statement costs microseconds, and a transaction that cannot be interrupted by the
 * event loop needs no lock of its own.
 */

export type SqlValue = string | number | null | Uint8Array;

/** Values by name, bound to `$name`. They are never put into SQL text. */
export type SqlParams = Readonly<Record<string, SqlValue>>;
/** Values in order, bound to `?`: for statements of many rows, where names would cost more than the work. */
export type SqlValues = readonly SqlValue[];
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqliteStatement {
  /** @returns how many rows were changed. */
  run(params?: SqlParams | SqlValues): number;
  get(params?: SqlParams): SqlRow | undefined;
  all(params?: SqlParams): readonly SqlRow[];
  /** The same rows, each as its values in the order of the columns: half the cost where rows are many and have many columns. */
  values(params: SqlParams): readonly SqlValues[];
}

export interface SqliteConnection {
  /** Runs one or more statements without values. */
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  /** Whether a transaction is open; SQLite itself ends one when the disk is full or a page cannot be read. */
  readonly inTransaction: boolean;
  /** Idempotent. */
  close(): void;
}

/** What SQLite could not do, told apart as far as the remedies differ. */
export type SqliteFault = "busy" | "full" | "readonly" | "cannot_open" | "corrupt" | "io" | "constraint" | "other";

export interface SqliteDriver {
  /**
   * Opens a file that exists, `:memory:`, or the image of a database file. Never waits for a lock: what is taken
   * throws `busy` at once.
   */
  open(source: string | Uint8Array, options: { readonly readOnly: boolean }): SqliteConnection;
  /** @returns null when `error` does not come from SQLite. */
  faultOf(error: unknown): SqliteFault | null;
}
