/** Looks into a sandbox's store from outside of Waybill, at what no command shows: leases, and the feed without waiting. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { EventType } from "../../src/domain/event.js";
import { isAlive } from "./processes.js";

export interface SeenEvent {
  readonly sequence: number;
  readonly type: EventType;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface HeldLease {
  readonly name: string;
  readonly pid: number;
}

type Row = Readonly<Record<string, unknown>>;

/** Rows of a query; none while the store or its tables are not there yet. */
export function rowsOf(home: string, sql: string, ...params: readonly unknown[]): Row[] {
  const path = join(home, "waybill.db");
  if (!existsSync(path)) return [];
  const db = new Database(path, { readonly: true, timeout: 10_000 });
  try {
    if (db.pragma("user_version", { simple: true }) === 0) return [];
    return db.prepare(sql).all(...params) as Row[];
  } finally {
    db.close();
  }
}

/** Events of one type, oldest first, about `subject` when that is given. */
export function eventsOf(home: string, type: EventType, subject?: string): SeenEvent[] {
  const rows = rowsOf(
    home,
    "SELECT * FROM events WHERE type = ? AND subject LIKE ? ORDER BY sequence",
    type,
    subject ?? "%",
  );
  return rows.map((row) => ({
    sequence: Number(row.sequence),
    type,
    subject: String(row.subject),
    data: JSON.parse(String(row.data)) as Record<string, unknown>,
  }));
}

/** Leases that nobody has given back, whoever held them. */
export const leasesOf = (home: string): HeldLease[] =>
  rowsOf(home, "SELECT name, holder_pid AS pid FROM leases WHERE holder_pid IS NOT NULL").map((row) => ({
    name: String(row.name),
    pid: Number(row.pid),
  }));

/** The living dispatcher of a batch by its lease, null when there is none now. */
export function dispatcherOf(home: string, batchId: string): number | null {
  const lease = leasesOf(home).find(({ name }) => name === `batch/${batchId}`);
  return lease !== undefined && isAlive(lease.pid) ? lease.pid : null;
}
