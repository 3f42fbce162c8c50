import { statSync } from "node:fs";
import { resolve } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import type { Store, StoreInfo } from "../store.js";
import { sqliteAttempts } from "./attempts.js";
import { sqliteBatches } from "./batches.js";
import { betterSqlite3Driver } from "./better-sqlite3-driver.js";
import { sqliteCache } from "./cache.js";
import { counterValue, nextOf } from "./counters.js";
import type { SqliteConnection, SqliteDriver, SqlValue } from "./driver.js";
import { sqliteEvents } from "./events.js";
import { sqliteExternalRuns } from "./external-runs.js";
import { claimSweep, collectGarbage, reset } from "./garbage.js";
import { sqliteGates } from "./gates.js";
import { sqliteHistory } from "./history.js";
import { sqliteLeases } from "./leases.js";
import { findLockHolder } from "./lock-holder.js";
import { sqliteMachines } from "./machines.js";
import { type Migration, migrate, readMigrations, SCHEMA_VERSION, schemaVersionOf } from "./migrate.js";
import { sqliteNotes } from "./notes.js";
import { DEFAULT_PATIENCE_MS, patiently } from "./patience.js";
import { sqliteQueues } from "./queues.js";
import { sqliteRelocation } from "./relocation.js";
import { integer } from "./rows.js";
import { sqliteRuns } from "./runs.js";
import { sqliteSchedules } from "./schedules.js";
import { Session } from "./session.js";
import { toStoreError } from "./sqlite-errors.js";
import { MEMORY, type OpenedFile, openStoreFile } from "./store-file.js";
import { sqliteLinks } from "./task-links.js";
import { sqliteSteps } from "./task-steps.js";
import { sqliteTasks } from "./tasks.js";
import { sqliteVariables } from "./variables.js";
import { sqliteWorkers } from "./workers.js";

export interface SqliteStoreOptions {
  /** A file, made with its directory when missing, or `:memory:`. */
  readonly path: string;
  /** How long a call waits for other processes; milliseconds, default 10 s. */
  readonly patienceMs?: number;
  /** The store's clock, epoch milliseconds; default `Date.now`. */
  readonly clock?: () => number;
  /** Default better-sqlite3. */
  readonly driver?: SqliteDriver;
}

/**
 * FULL: a commit returns after its fsync, the promise that acknowledged means durable. Memory mapping stays off, since
 * a disk error under it kills the process instead of being reported. Savepoints keep what they may have to undo in
 * memory. The journal is cut back to 64 MiB after a peak.
 */
const SETTINGS = `
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA cache_size = -16000;
  PRAGMA temp_store = MEMORY;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA wal_autocheckpoint = 4000;`;

/**
 * Opens a store on SQLite, creating or migrating it when needed.
 *
 * Errors: `store_busy`, `store_newer`, `store_corrupt`, `store_full`, `store_unwritable` (when it would have to be created
 * or migrated and cannot), `store_unsupported` (network file systems).
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const path = options.path === MEMORY ? MEMORY : resolve(options.path);
  const driver = options.driver ?? betterSqlite3Driver;
  const patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
  try {
    const { connection, readOnly } = await openReady(driver, path, patienceMs);
    const shared = path !== MEMORY;
    const clock = options.clock ?? Date.now;
    return storeOn(new Session({ driver, connection, path, readOnly, shared, patienceMs, clock }));
  } catch (error) {
    throw toStoreError(error, driver, path);
  }
}

const busyAtOpen = (path: string, patienceMs: number) => (): WaybillError => {
  const pid = findLockHolder(path)?.pid;
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new WaybillError(
    "store_busy",
    `The store ${path} could not be opened for ${patienceMs} ms: ${who} holds it.`,
    {
      hint: "Try again, or end the process that holds it.",
      details: { path, patienceMs, ...(pid === undefined ? {} : { pid }) },
    },
  );
};

async function openReady(driver: SqliteDriver, path: string, patienceMs: number): Promise<OpenedFile> {
  const isBusy = (error: unknown): boolean => driver.faultOf(error) === "busy";
  const busyError = busyAtOpen(path, patienceMs);
  const patient = <T>(work: () => T): Promise<T> => patiently(work, isBusy, patienceMs, busyError);
  const opened = await patient(() => openStoreFile(driver, path));
  const { connection, readOnly } = opened;
  try {
    const version = await patient(() => schemaVersionOf(connection, path));
    if (readOnly && version < SCHEMA_VERSION) throw unmigratable(path, version);
    if (!readOnly) await patient(() => connection.exec("PRAGMA journal_mode = WAL"));
    if (version < SCHEMA_VERSION) {
      await migrate({ driver, connection, path, patienceMs, busyError }, migrationsFor(path));
    }
    connection.exec(SETTINGS);
    return opened;
  } catch (error) {
    closeUntouched(driver, connection, path);
    throw error;
  }
}

/** Read only when something is to be migrated: opening an up-to-date store must stay cheap. */
function migrationsFor(path: string): readonly Migration[] {
  const migrations = readMigrations();
  if (migrations.at(-1)?.version === SCHEMA_VERSION) return migrations;
  throw new WaybillError(
    "internal",
    `Waybill's migrations are incomplete, the store ${path} cannot be brought up to date.`,
    {
      hint: "Install Waybill again.",
    },
  );
}

const unmigratable = (path: string, version: number): WaybillError =>
  new WaybillError(
    "store_unwritable",
    `The store ${path} has schema ${version}, needs ${SCHEMA_VERSION}, and is read-only.`,
    {
      hint: "Open it once as a user who may write it, or choose another store with --store.",
      details: { path, version, needed: SCHEMA_VERSION },
    },
  );

/**
 * Closes a file that is not ours to change. The last connection to close would bring the journal into the file, so a
 * reader, which cannot, closes last.
 */
function closeUntouched(driver: SqliteDriver, connection: SqliteConnection, path: string): void {
  let witness: SqliteConnection | null = null;
  try {
    if (path !== MEMORY && statSync(`${path}-wal`).size > 0) {
      witness = driver.open(path, { readOnly: true });
      witness.prepare("PRAGMA user_version").get();
    }
  } catch {
    // No journal, or not a database at all: then there is nothing that closing could bring into the file.
  }
  connection.close();
  witness?.close();
}

const TABLES = [
  "runs",
  "batches",
  "batch_items",
  "leases",
  "events",
  "variables",
  "cache_entries",
  "machines",
  "tasks",
] as const;

function info(session: Session): StoreInfo {
  const one = (sql: string): SqlValue => Object.values(session.sql(sql).get() ?? {})[0] ?? "";
  const count = (table: string): number => Number(one(`SELECT count(*) FROM ${table}`));
  return {
    url: session.path === MEMORY ? "memory:" : `file:${session.path}`,
    engine: `SQLite ${one("SELECT sqlite_version()")}`,
    schemaVersion: Number(one("PRAGMA user_version")),
    sizeBytes: Number(one("PRAGMA page_count")) * Number(one("PRAGMA page_size")),
    rows: Object.fromEntries(TABLES.map((table) => [table, count(table)])),
    staleWritesRefused: counterValue(session, "stale_writes"),
    durability: {
      journal_mode: String(one("PRAGMA journal_mode")),
      synchronous:
        ["off", "normal", "full", "extra"][integer({ n: Number(one("PRAGMA synchronous")) }, "n")] ?? "unknown",
      foreign_keys: one("PRAGMA foreign_keys") === 1 ? "on" : "off",
    },
  };
}

function storeOn(session: Session): Store {
  const { store: events, watch } = sqliteEvents(session);
  return {
    runs: sqliteRuns(session),
    batches: sqliteBatches(session),
    leases: sqliteLeases(session),
    events,
    variables: sqliteVariables(session),
    history: sqliteHistory(session),
    externalRuns: sqliteExternalRuns(session),
    cache: sqliteCache(session),
    machines: sqliteMachines(session),
    relocation: sqliteRelocation(session),
    tasks: sqliteTasks(session),
    attempts: sqliteAttempts(session),
    steps: sqliteSteps(session),
    queues: sqliteQueues(session),
    schedules: sqliteSchedules(session),
    gates: sqliteGates(session),
    workers: sqliteWorkers(session),
    notes: sqliteNotes(session),
    links: sqliteLinks(session),
    info: () => session.snapshot(() => info(session)),
    probe: async () => void (await session.write(() => nextOf(session, "probe"))),
    staleWritesRefused: () => session.read(() => counterValue(session, "stale_writes")),
    collectGarbage: (policy) => collectGarbage(session, policy),
    claimSweep: (everyMs) => claimSweep(session, everyMs),
    reset: () => reset(session),
    now: async () => session.now(),
    close: async () => {
      watch.close();
      await session.close();
    },
  };
}
