import type { SqliteConnection, SqliteStatement } from "./driver.js";

/** Prepares a statement when it is first used and keeps it: a command that shows one run prepares one statement. */
export class Statements {
  readonly #connection: SqliteConnection;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** @param sql text made of constants; the number of texts is bounded by the shapes of the filters. */
  get(sql: string): SqliteStatement {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/** A list of the domain's own constants for `IN (…)`. Not for values: those are bound. */
export const sqlList = (constants: readonly string[]): string => constants.map((c) => `'${c}'`).join(", ");
