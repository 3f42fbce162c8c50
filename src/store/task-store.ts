import type { Dependency } from "../domain/dependency.js";
import type { WaybillError } from "../domain/errors.js";
import type { PathScope } from "../domain/path-scope.js";
import type { Task, TaskFailure, TaskState } from "../domain/task.js";
import type { UniqueScope } from "../domain/unique-key.js";

/** What is submitted, checked by whoever knows the type. Times are judged by the store's clock. */
export interface NewTask {
  readonly id: string;
  /** The caller chose the id: a known task of that id is answered with, or refused as `task_conflict`. */
  readonly ownId: boolean;
  readonly type: string;
  /** JSON text. */
  readonly params: string;
  readonly priority: number;
  /** When it is due: a time, or so long after now; both null means now. Epoch milliseconds, milliseconds. */
  readonly runAt: number | null;
  readonly delayMs: number | null;
  /** It fails when it has not ended so long after its submission. */
  readonly deadlineMs: number | null;
  readonly maxAttempts: number | null;
  readonly timeoutMs: number | null;
  readonly concurrencyKey: string | null;
  readonly unique: { readonly key: string; readonly scope: UniqueScope } | null;
  readonly dependsOn: readonly Dependency[];
  readonly tags: readonly string[];
  /** What it reads and writes: it runs beside no task of which one writes what the other reads or writes. */
  readonly paths: readonly PathScope[];
  readonly parentId: string | null;
  /** The task during which it was found; known or not, it is only named. */
  readonly discoveredFrom: string | null;
  readonly schedule: string | null;
  readonly createdBy: string | null;
  readonly trace: string | null;
  /** A known task of that id that has failed or was cancelled is tried again. */
  readonly retryEnded: boolean;
  /** It is over already, elsewhere: it is recorded as such and never executed. */
  readonly ended?: EndedElsewhere | null;
}

/** How a task ended that somebody else kept until now. */
export type EndedElsewhere =
  /** `result` is JSON text. */
  | { readonly state: "completed"; readonly result: string }
  | { readonly state: "cancelled"; readonly failure: TaskFailure };

/**
 * `existing`: the caller's id is known. `duplicate`: another task holds the unique key. `retried`: the known task had
 * failed and is queued again. `refused`: nothing was recorded; the error is `task_conflict` or `task_not_found` (of a
 * dependency).
 */
export type Submitted =
  | { readonly outcome: "created" | "existing" | "duplicate" | "retried"; readonly id: string }
  | { readonly outcome: "refused"; readonly id: string; readonly error: WaybillError };

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly types?: readonly string[];
  readonly tag?: string;
  readonly parentId?: string;
}

/** Pages go by age, newest first: pass the last id of one page as `before` of the next. */
export interface TaskPage {
  readonly before?: string;
  readonly limit: number;
}

/** How many tasks of a type are in each state, and since when the oldest of those that could be claimed waits. */
export interface TypeStats {
  readonly type: string;
  readonly states: Readonly<Record<TaskState, number>>;
  readonly oldestQueuedAt: number | null;
}

/** What could be claimed, in the order in which it would be. */
export interface ReadyFilter {
  /** Default all. */
  readonly types?: readonly string[];
  /** Only tasks that carry all of them. */
  readonly tags?: readonly string[];
  readonly limit: number;
}

/** A task that has, or is to have first, paths that another one wants. */
export interface PathHolder {
  readonly taskId: string;
  /** Who runs it; null of an engine, and of a task that waits. */
  readonly agentId: string | null;
  readonly state: "running" | "waiting";
  /** One of its paths that is in the way. */
  readonly path: PathScope;
}

export interface RetriedTasks {
  readonly retried: number;
  readonly next: number | null;
}

export interface TaskStore {
  /**
   * Records tasks, each decided for itself and in order, so that one may depend on those before it. The answers come
   * when all of them are durable. A large number is written in several transactions: a crash meanwhile keeps a part,
   * of which nothing was acknowledged.
   */
  submitTasks(tasks: readonly NewTask[]): Promise<readonly Submitted[]>;
  /**
   * Records tasks all together, or none of them: the first refusal is thrown, with `index` and `id` of what was refused in
   * its details. They may depend on each other in any order. What is known already under an own id is answered with, so
   * that the same call twice is one.
   *
   * Errors: those of `Submitted`, and `dependency_cycle`.
   */
  submitAll(tasks: readonly NewTask[]): Promise<readonly Submitted[]>;
  getTask(id: string): Promise<Task | null>;
  getTasks(ids: readonly string[]): Promise<ReadonlyMap<string, Task>>;
  /** Those of `ids` that have ended or are unknown. */
  endedAmong(ids: readonly string[]): Promise<readonly string[]>;
  /** Tasks whose id starts with `prefix`, at most `limit`. */
  findTasksByPrefix(prefix: string, limit: number): Promise<readonly Task[]>;
  listTasks(filter: TaskFilter, page: TaskPage): Promise<readonly Task[]>;
  /**
   * Tasks that wait for nothing but somebody to claim them, by priority, then age; those of paused queues are left out.
   * Whether their paths are free is found out by whoever claims them.
   */
  listReady(filter: ReadyFilter): Promise<readonly Task[]>;
  taskStats(): Promise<readonly TypeStats[]>;
  /** The tasks that a task waits for, or waited for. */
  dependenciesOf(id: string): Promise<readonly Dependency[]>;
  /** What a task reads and writes; nothing of an unknown one. */
  pathsOf(id: string): Promise<readonly PathScope[]>;
  /** Who is in the way of a task's paths now, those that run first. */
  pathHolders(id: string): Promise<readonly PathHolder[]>;
  /**
   * States the wish that a task ends. One that waits is cancelled at once; a running one is its owner's to end, who is
   * told. What has ended stays as it is. Null for an unknown task.
   */
  requestTaskCancel(id: string, by: string): Promise<Task | null>;
  /** Queues a failed or cancelled task again, as its next run, with its counts at zero; null when it is neither. */
  retryTask(id: string): Promise<Task | null>;
  /**
   * Retries failed tasks of `types` (all types without), oldest first: at most `limit` of those submitted after the
   * sequence `after`. @returns how many, and the `after` that goes on from there, past what fails again meanwhile; null at the end
   */
  retryFailed(types: readonly string[] | null, after: number, limit: number): Promise<RetriedTasks>;
  /** Forgets a task and all about it; a running one is ended at its owner, whose writes are refused. False when unknown. */
  removeTask(id: string): Promise<boolean>;
}
