import type { AttemptGuard } from "../domain/attempt.js";
import type { JsonValue } from "../domain/canonical-json.js";
import type { Lease } from "../domain/lease.js";
import type { PathScope } from "../domain/path-scope.js";
import type { TaskState } from "../domain/task.js";
import type { Enrolment, OwnerKind, Worker } from "../domain/worker.js";
import type { AttemptWrite, ClaimedTask } from "./attempt-store.js";
import type { Granted } from "./granted.js";

export interface WorkerRequest extends Enrolment {
  /** How long it is its own without renewal; milliseconds. */
  readonly ttlMs: number;
}

/** A task that an owner executes now. */
export interface OwnedTask {
  readonly id: string;
  readonly type: string;
  readonly attempt: number;
  readonly fence: number;
  readonly startedAt: number;
  readonly progress: JsonValue;
}

/** An owner that is present: a worker, or an engine, which has no names. */
export interface OwnerView extends Omit<Worker, "lease" | "agentId" | "session" | "kind" | "leftAt"> {
  /** Live or over its time: it is there until somebody takes it. */
  readonly lease: Lease;
  readonly agentId: string | null;
  readonly session: string | null;
  readonly kind: OwnerKind;
  /** What it executes, by age. */
  readonly tasks: readonly OwnedTask[];
}

export interface WorkerClaimRequest {
  readonly worker: WorkerRequest;
  /** This task; else the next by priority, then age, of `types` (of all types without). */
  readonly id?: string;
  readonly types?: readonly string[];
  /** Only a task that carries all of them. */
  readonly tags?: readonly string[];
  /** What it reads or writes besides what was said when it was submitted. They stay with the task. */
  readonly addPaths?: readonly PathScope[];
}

export interface WorkerClaim {
  readonly task: ClaimedTask;
  readonly lease: Lease;
}

export interface HandOff {
  /** The attempt that is given away. */
  readonly guard: AttemptGuard;
  readonly to: WorkerRequest;
  /** Who wants it so, and why: kept in the feed. */
  readonly by: string;
  readonly reason: string | null;
  readonly addPaths?: readonly PathScope[];
}

export interface Reclaim {
  readonly taskId: string;
  readonly by: string;
  readonly reason: string;
  /** Take it from an owner that lives. */
  readonly force: boolean;
  /** The fence of the lease of an owner that the caller has proved dead; it counts as dead although its time is not over. */
  readonly provedDeadOwner?: number;
}

/** Who executes tasks besides engines. What they own is said by leases and fences, as for engines (`AttemptStore`). */
export interface WorkerStore {
  /**
   * Makes a worker that will claim by `AttemptStore.claimTasks`: its lease and its record, in one write. Errors:
   * `invalid_state` when somebody holds a lease of that name.
   */
  enrol(request: WorkerRequest): Promise<Lease>;
  /** Everybody who holds a lease of owners, workers and engines, by their age. */
  listWorkers(): Promise<readonly OwnerView[]>;
  /** Whoever held the leases of these fences, as far as it is remembered; engines are not among them. */
  workersByOwner(owners: readonly number[]): Promise<ReadonlyMap<number, Worker>>;
  /**
   * Gives a waiting task to a worker under a lease of its own, in one write: the worker is known from then on, and its
   * lease goes with the attempt. The limits of queues hold as for engines.
   *
   * Refused with `task_not_found`, `invalid_state` (of a task that is asked for by id and does not wait to be claimed),
   * `paths_conflict` (the holders in `details.holders`) or `nothing_to_claim`; then nothing has changed, but that a task
   * whose own paths others have stands in line for them.
   *
   * Errors: `invalid_input` when the next of too many types is asked for; `invalid_state` as `enrol`.
   */
  claimForWorker(request: WorkerClaimRequest): Promise<Granted<WorkerClaim>>;
  /**
   * A sign of life of whoever executes the attempt: the lease of a claim lasts `ttlMs` from now at least. The lease of an
   * engine or of `waybill work` is kept by itself and stays as it is.
   */
  heartbeat(beat: {
    readonly taskId: string;
    readonly fence: number;
    readonly ttlMs: number;
  }): Promise<AttemptWrite<Lease>>;
  /**
   * Gives a running task to another worker in one write: the old attempt is over (`handed_off`), a new one runs under a
   * new lease and a larger fence. The task is nobody else's in between. Refused with `stale_write` (counted) or
   * `paths_conflict`, and then everything is as it was.
   */
  handOff(request: HandOff): Promise<Granted<WorkerClaim>>;
  /**
   * Takes a running task from its owner and queues it again (or ends it, when that was wished): the attempt is over
   * (`reclaimed`), nothing is counted against the task, the feed and the thread say who did it and why, and the owner is
   * told. The value is the task's new state.
   *
   * Refused with `task_not_found`, `invalid_state` when it is not running, or `worker_live`: the owner's lease is live,
   * it is not proved dead, and `force` was not said.
   */
  reclaim(request: Reclaim): Promise<Granted<TaskState>>;
  /** The guard of the running attempt with that fence, for a caller that knows no more; null when it is not running. */
  findGuard(taskId: string, fence: number): Promise<AttemptGuard | null>;
}
