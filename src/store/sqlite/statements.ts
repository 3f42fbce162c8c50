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

/**
 * A limit that is bound. SQLite lets the value of a bare `LIMIT $limit` decide on the plan, and so compiles the statement
 * anew each time, which costs more than a small statement itself; the value of an expression does not count.
 */
export const LIMIT = "LIMIT +$limit";

/** Rows of one statement. Each row on its own costs half as much again in starting and ending a statement. */
const GROUP = 50;

/** Calls `work` with groups of `GROUP` items, and with what is left one by one: two texts in all, whatever the number. */
export function eachGroup<T>(items: readonly T[], work: (group: readonly T[]) => void): void {
  const whole = items.length - (items.length % GROUP);
  for (let at = 0; at < whole; at += GROUP) work(items.slice(at, at + GROUP));
  for (const item of items.slice(whole)) work([item]);
}

const texts = new Map<string, string>();

/** The text that inserts `count` rows, made once. */
export function manyRows(insert: string, row: string, count: number): string {
  const key = `${count} ${insert}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = `${insert} VALUES ${Array.from({ length: count }, () => row).join(", ")}`;
  texts.set(key, text);
  return text;
}
