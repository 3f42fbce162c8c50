import { integer } from "./rows.js";
import type { SqlScope } from "./session.js";

export type Counter = "fence" | "stale_writes" | "revision" | "cache_bytes" | "sweep" | "probe";

/** @returns the next value; inside a write only, so that no value is given twice. */
export function nextOf(scope: SqlScope, name: Counter): number {
  const row = scope.sql("UPDATE counters SET value = value + 1 WHERE name = $name RETURNING value").get({ name });
  return row === undefined ? 0 : integer(row, "value");
}

/** @returns the first of `count` new fences, which follow each other; inside a write only. */
export function takeFences(scope: SqlScope, count: number): number {
  const sql = "UPDATE counters SET value = value + $count WHERE name = 'fence' RETURNING value";
  const row = scope.sql(sql).get({ count });
  return row === undefined ? 0 : integer(row, "value") - count + 1;
}

/** Adds to a counter that is a sum; inside a write only. */
export function addTo(scope: SqlScope, name: Counter, by: number): void {
  if (by !== 0) scope.sql("UPDATE counters SET value = value + $by WHERE name = $name").run({ name, by });
}

export function counterValue(scope: SqlScope, name: Counter): number {
  const row = scope.sql("SELECT value FROM counters WHERE name = $name").get({ name });
  return row === undefined ? 0 : integer(row, "value");
}
