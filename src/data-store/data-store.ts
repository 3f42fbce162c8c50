/**
 * The door for programs that keep cache, execution history, background runs and process variables in one store: the
 * contract of the source (`store.DataStore`), in camelCase and asynchronous, on the tables of all of Waybill.
 *
 * What is missing is no error where the contract says so; an empty id, key or ref is `invalid_input` everywhere. Every
 * method may throw the codes of the store (`store_busy`, `store_full`, …).
 */
import type { ImportedRecords } from "./import-json.js";

/** One execution that has ended, under the field names of the source's JSON. */
export interface ExecutionRecord {
  readonly ref: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Nanoseconds. */
  readonly duration: number;
  /** -1 when a program was ended before it could exit. */
  readonly exitCode: number;
  readonly error?: string;
  /** Where its log is: an id or a path, as recorded. */
  readonly logArchiveId?: string;
}

export const BACKGROUND_RUN_STATUSES = ["running", "completed", "failed"] as const;
export type BackgroundRunStatus = (typeof BACKGROUND_RUN_STATUSES)[number];

/** An execution that goes on without whoever started it. */
export interface BackgroundRun {
  readonly id: string;
  readonly pid: number;
  readonly ref: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly status: BackgroundRunStatus;
  readonly logArchiveId?: string;
  readonly error?: string;
  /** RFC 3339. */
  readonly completedAt?: string;
}

export interface DataStore {
  /** Sets or replaces. Errors: `invalid_input` for an empty key and for what is larger than the cache. */
  setCacheEntry(key: string, value: Uint8Array): Promise<void>;
  /** Null when there is none. */
  getCacheEntry(key: string): Promise<Uint8Array | null>;
  /** What is not there is gone already. */
  deleteCacheEntry(key: string): Promise<void>;

  /** Appends to the history of the record's ref. Errors: `invalid_input` for a record that is none. */
  recordExecution(record: ExecutionRecord): Promise<void>;
  /** The newest `limit` by start, oldest first; all when `limit` is 0 or less. Empty for an unknown ref. */
  getExecutionHistory(ref: string, limit: number): Promise<ExecutionRecord[]>;
  /** Refs that have a history, by name. */
  listExecutionRefs(): Promise<string[]>;
  /** Forgets what has ended of a ref; what runs goes on. No error for an unknown ref. */
  deleteExecutionHistory(ref: string): Promise<void>;

  /**
   * Inserts or replaces. An end is final: saved again, an ended run keeps its status, error and time of completion, so
   * that a late writer cannot bring it back to life. Errors: `invalid_input` for a record that is none.
   */
  saveBackgroundRun(run: BackgroundRun): Promise<void>;
  /** Errors: `run_not_found`. */
  getBackgroundRun(id: string): Promise<BackgroundRun>;
  /** In the order in which they were started; runs that Waybill itself executes detached are among them. */
  listBackgroundRuns(): Promise<BackgroundRun[]>;
  /** No error for an unknown id. Errors: `invalid_state` while Waybill executes it. */
  deleteBackgroundRun(id: string): Promise<void>;

  /**
   * Records what an export holds: a JSON list of execution records and background runs. All of it is checked before any of
   * it is recorded, and what was imported before is not recorded twice. Errors: `invalid_input`.
   */
  importJson(text: string): Promise<ImportedRecords>;

  /** A scope needs no making; this only checks its id. */
  createProcessBucket(id: string): Promise<void>;
  /** Forgets the scope's own variables. No error for an unknown scope. */
  deleteProcessBucket(id: string): Promise<void>;
  setProcessVar(bucketId: string, key: string, value: string): Promise<void>;
  /** The scope's own, else its ancestors', else root's. Errors: `variable_not_found`. */
  getProcessVar(bucketId: string, key: string): Promise<string>;
  /** All that can be seen from the scope; the nearest wins. */
  getAllProcessVars(bucketId: string): Promise<Record<string, string>>;
  /** The keys of `getAllProcessVars`, sorted. */
  getProcessVarKeys(bucketId: string): Promise<string[]>;
  /** Removes the scope's own, so that root's shines through. What is not there is gone already. */
  deleteProcessVar(bucketId: string, key: string): Promise<void>;

  /** Idempotent. */
  close(): Promise<void>;
}
