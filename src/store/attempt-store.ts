import type { Attempt, AttemptGuard, AttemptSignalKind, ReturnReason } from "../domain/attempt.js";
import type { Lease } from "../domain/lease.js";
import type { TaskNote } from "../domain/note.js";
import type { PathScope } from "../domain/path-scope.js";
import type { PersonGate, Task, TaskFailure, TaskState } from "../domain/task.js";

/** Presented with a claim: the lease of the engine or worker that claims. */
export type Owner = Pick<Lease, "name" | "fence">;

export interface ClaimRequest {
  readonly owner: Owner;
  /** Only tasks of these types are claimed; others are left for other engines. `limit`: how many more this engine takes of one. */
  readonly types: readonly { readonly type: string; readonly limit: number }[];
  /** Only tasks that carry all of these are claimed. */
  readonly tags?: readonly string[];
  /** How many attempts begin at once. */
  readonly begin: number;
  /** How many more are claimed ahead, to begin later. */
  readonly ahead: number;
  /** There surely is something, such as what the caller submits in this turn: it is claimed in the same transaction. */
  readonly expectWork?: boolean;
}

/** What an engine needs to execute a task that it was given. */
export type ClaimedTask = Pick<
  Task,
  | "id"
  | "sequence"
  | "type"
  | "run"
  | "attempt"
  | "failures"
  | "crashes"
  | "maxAttempts"
  | "timeoutMs"
  | "deadlineAt"
  | "parentId"
  | "trace"
  | "submittedAt"
  | "tags"
> & {
  /** What it reads and writes: its own as long as the attempt runs. */
  readonly paths: readonly PathScope[];
  readonly fence: number;
  /** JSON text. */
  readonly params: string;
};

export interface ClaimAnswer {
  /** False when the lease is no longer held under this fence: nothing was claimed. */
  readonly held: boolean;
  /** Running now, under a fence each, by priority, then age. */
  readonly tasks: readonly ClaimedTask[];
  /** When to ask again although nothing happens meanwhile; epoch milliseconds. */
  readonly wakeAt: number | null;
}

/** How an attempt ended, and what that makes of its task. */
export type AttemptEnd =
  | { readonly state: "succeeded"; readonly result: string | null }
  | {
      readonly state: "failed" | "timed_out";
      readonly failure: TaskFailure;
      /** When another attempt follows, in milliseconds from now; null when the task fails. A cancelled task gets none. */
      readonly retryMs: number | null;
    }
  | { readonly state: "cancelled"; readonly failure: TaskFailure }
  /** What executed it failed, not the work: a crash is counted as if its owner had died, and at last it is quarantined. */
  | { readonly state: "lost"; readonly failure: TaskFailure; readonly quarantineAfter: number }
  /** Nothing is counted; the task waits for a person, and `question`, for people, is its thread's newest note. */
  | { readonly state: "waiting"; readonly for: PersonGate; readonly question: string; readonly author: string }
  /** Given back: nothing is counted, and the task waits again, for `delayMs` when that is not null. */
  | {
      readonly state: "returned";
      readonly reason: ReturnReason;
      readonly delayMs: number | null;
      /** What its thread says of it, in the same write; nothing without. */
      readonly notice?: Pick<TaskNote, "author" | "text">;
    };

export interface EndRequest {
  readonly guard: AttemptGuard;
  readonly end: AttemptEnd;
  /** What a worker answered, as JSON text: kept with the attempt in the same write, whatever it makes of the task. */
  readonly verdict?: string | null;
}

/** A write about an attempt happened, or was refused since the attempt is not, or no longer, the running one. Refusals are counted and leave an event. */
export type AttemptWrite<T = null> =
  | { readonly written: true; readonly value: T }
  | { readonly written: false; readonly refusal: "not_found" | "stale_fence" };

export interface AttemptSignal {
  readonly fence: number;
  readonly signal: AttemptSignalKind;
}

/** What became of the tasks of an owner that is no more. */
export interface TakenBack {
  readonly queued: number;
  readonly quarantined: number;
  readonly cancelled: number;
}

export interface AttemptStore {
  /**
   * Gives waiting tasks to an engine, by priority, then age, within the limits of their queues. Tasks whose time has
   * come count as waiting; those whose deadline has passed fail instead. Writes nothing when there is nothing to claim.
   *
   * No task is given while another has paths that overlap its own and one of the two writes them, nor while one that comes
   * before it waits for such paths: it waits until that one has ended.
   */
  claimTasks(request: ClaimRequest): Promise<ClaimAnswer>;
  /**
   * Ends attempts, each decided for itself, in one write. The value is the task's new state. The lease of a claim goes
   * with its attempt.
   */
  endAttempts(ends: readonly EndRequest[]): Promise<readonly AttemptWrite<TaskState>[]>;
  /** Whether the attempt still is the running one, as a write: a refusal is counted. */
  confirmAttempt(guard: AttemptGuard): Promise<AttemptWrite>;
  /** What the attempts of an owner are to be told. */
  readSignals(owner: number): Promise<readonly AttemptSignal[]>;
  /** Forgets what was told. */
  clearSignals(owner: number, fences: readonly number[]): Promise<void>;
  /**
   * Ends what an engine or a worker left behind, once its lease has expired or `provedDead`: each attempt is lost, each task queued
   * again or quarantined. Null when the lease is alive, or somebody did it before.
   */
  takeBack(owner: Owner, provedDead: boolean, quarantineAfter: number): Promise<TakenBack | null>;
  /** All attempts of a task, the oldest first; the running one is the last. */
  listAttempts(taskId: string): Promise<readonly Attempt[]>;
}
