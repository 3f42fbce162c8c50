/** The door of the library: open a dispatcher and call its operations. */
export type { CallOptions, Progress } from "./app/context.js";
export { type OpenOptions, open, type Waybill } from "./app/open.js";
export { type CommandResult, commandTask } from "./app/tasks/command-task.js";
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
export type { Attempt, AttemptState } from "./domain/attempt.js";
export type { Dependency, DependencyOutcome } from "./domain/dependency.js";
export { ERROR_CODES, type ErrorCode, WaybillError } from "./domain/errors.js";
export type { PathMode, PathScope, PathWish } from "./domain/path-scope.js";
export type { RateLimit } from "./domain/rate-limit.js";
export { RESULT_KINDS, type ResultKind, type ResultMessage, type WorkerResult } from "./domain/result.js";
export type { Backoff, RetryPolicy } from "./domain/retry.js";
export { isTerminal, RUN_STATUSES, type RunStatus } from "./domain/run.js";
export type { Schedule } from "./domain/schedule.js";
export { isEndedTask, TASK_STATES, type Task, type TaskFailure, type TaskState } from "./domain/task.js";
export type { UniqueScope } from "./domain/unique-key.js";
export type { Engine, EngineStatus } from "./engine/engine.js";
export { NeedsInput, RetryableError, Snooze, TerminalError } from "./engine/handler-errors.js";
export { type EngineOptions, openEngine } from "./engine/open-engine.js";
export type { Around, EngineEnrolment, EngineFact } from "./engine/runtime.js";
export type { SubmitOptions } from "./engine/submission.js";
export { submitWithin } from "./engine/submit-within.js";
export type { SubmitManyItem, SubmittedTask, TaskClient, WaitOptions } from "./engine/task-client.js";
export type { DependencyEnd, GivenAnswer, StepScope, TaskContext } from "./engine/task-context.js";
export {
  defineTask,
  type IsolateOptions,
  type RetryOptions,
  type ScheduleOptions,
  type TaskDefinition,
} from "./engine/task-definition.js";
export { openStore } from "./store/open-store.js";
export type { Step, TaskLogLine } from "./store/step-store.js";
export type { Store } from "./store/store.js";
export type { TaskFilter, TaskPage, TypeStats } from "./store/task-store.js";
export { formatResult, type ParsedResult, parseResult } from "./workers/result-codec.js";
export { buildSpec, type DispatchTask, type WorkerSpec } from "./workers/spec.js";
export {
  type PresenceProbe,
  type WaitClock,
  type WaitWorkerAbsentOptions,
  waitWorkerAbsent,
} from "./workers/wait-worker-absent.js";
export { buildWorkerCommand, type WorkerCommand } from "./workers/worker-command.js";
