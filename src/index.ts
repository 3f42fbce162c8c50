/** The door of the library: open a dispatcher and call its operations. */
export type { CallOptions, Progress } from "./app/context.js";
export { type OpenOptions, open, type Waybill } from "./app/open.js";
export type { BatchReport, BatchView, ItemView, PlacementReport, ProgressView } from "./contracts/batch-views.js";
export type { CallName, InputOf, ItemOf, OperationName, OutputOf, StreamName } from "./contracts/index.js";
export type { RunDetailView, RunView } from "./contracts/run-views.js";
export type { LogPiece } from "./contracts/runs.js";
export type { BackgroundRun, BackgroundRunStatus, DataStore, ExecutionRecord } from "./data-store/data-store.js";
export { destroyStore } from "./data-store/destroy-data-store.js";
export type { ImportedRecords } from "./data-store/import-json.js";
export { migrateProcessBuckets } from "./data-store/migrate-process-buckets.js";
export { openDataStore } from "./data-store/open-data-store.js";
export { environmentBucket, storePath } from "./data-store/store-path.js";
export { ERROR_CODES, type ErrorCode, WaybillError } from "./domain/errors.js";
export { isTerminal, RUN_STATUSES, type RunStatus } from "./domain/run.js";
