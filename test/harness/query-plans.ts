/** How SQLite says that it would answer a question. */
import { afterAll, beforeAll } from "vitest";
import { betterSqlite3Driver } from "../../src/store/sqlite/better-sqlite3-driver.js";
import type { SqliteConnection } from "../../src/store/sqlite/driver.js";
import { readMigrations } from "../../src/store/sqlite/migrate.js";

/**
 * Has the schema filled by `rows`, statements of SQL, for all tests of a file. There are no statistics: plans must not hang on
 * `ANALYZE`.
 *
 * @returns the steps of the plan for a statement whose parameters are all null, e.g. `SEARCH runs USING INDEX ...`
 */
export function plansOver(rows: string): (sql: string) => string[] {
  let connection: SqliteConnection;
  beforeAll(() => {
    connection = betterSqlite3Driver.open(":memory:", { readOnly: false });
    for (const { sql } of readMigrations()) connection.exec(sql);
    connection.exec(rows);
  }, 60_000);
  afterAll(() => connection.close());
  return (sql) =>
    connection
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(Object.fromEntries([...sql.matchAll(/\$(\w+)/g)].map(([, name]) => [name ?? "", null])))
      .map((row) => String(row.detail));
}
