import { integer } from "./rows.js";
import type { Session } from "./session.js";

export type Counter = "fence" | "stale_writes" | "revision" | "cache_bytes" | "sweep";

/** @returns the next value; inside a write only, so that no value is given twice. */
export function nextOf(session: Session, name: Counter): number {
  const row = session.sql("UPDATE counters SET value = value + 1 WHERE name = $name RETURNING value").get({ name });
  return row === undefined ? 0 : integer(row, "value");
}

/** Adds to a counter that is a sum; inside a write only. */
export function addTo(session: Session, name: Counter, by: number): void {
  if (by !== 0) session.sql("UPDATE counters SET value = value + $by WHERE name = $name").run({ name, by });
}

export function counterValue(session: Session, name: Counter): number {
  const row = session.sql("SELECT value FROM counters WHERE name = $name").get({ name });
  return row === undefined ? 0 : integer(row, "value");
}
