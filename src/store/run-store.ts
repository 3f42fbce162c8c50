import type { Lease } from "../domain/lease.js";
import type { StartRecord } from "../domain/machine.js";
import type { ArtifactState, NewRun, Run, RunKind, RunOutcome, RunStatus } from "../domain/run.js";
import type { LeaseRequest } from "./lease-store.js";

/** Where a run is wanted, and what counts as the same work. */
export interface Dispatch {
  readonly machine: string;
  /** How many exclusive runs the machine takes at once. */
  readonly slots: number;
  readonly workHash: string;
  /** When all slots are taken: wait for one (true) or be told who holds them (false). */
  readonly queue: boolean;
}

/** A run of a kind that takes no slot. */
export type SlotlessRun = NewRun & { readonly kind: Exclude<RunKind, "directory"> };

/** Who drives a new run from its first moment. */
export type Driver = Pick<LeaseRequest, "holder" | "purpose" | "ttlMs">;

export interface CreatedRun {
  readonly run: Run;
  /** The lease of the run, taken in the same write. */
  readonly lease: Lease;
}

export type PrepareOutcome = "created" | "reuse" | "busy";

export interface Prepared {
  readonly outcome: PrepareOutcome;
  /** The new run, the one to attach to, or the oldest of those that hold the slots. */
  readonly run: Run;
}

/** Presented with every write about an attempt: the lease's fence under which the writer drives the run. */
export interface RunGuard {
  readonly runId: string;
  readonly attempt: number;
  readonly leaseFence: number;
}

/** A guarded write either happened, or says what it found instead. Refusals are counted and leave a `write.refused` event. */
export type GuardedWrite =
  | { readonly written: true; readonly run: Run }
  | {
      readonly written: false;
      readonly refusal: "not_found" | "stale_fence" | "wrong_state";
      readonly run: Run | null;
    };

export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly machine?: string;
  readonly batchId?: string;
  readonly ref?: string;
  readonly kind?: RunKind;
  readonly testDirHash?: string;
  readonly createdBy?: string;
  readonly source?: string;
  readonly client?: string;
  readonly session?: string;
  /** Runs that carry every one of these. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Pages go by key, newest first: pass the last id of one page as `before` of the next. */
export interface RunPage {
  readonly before?: string;
  /** Only ids from this one on; `firstIdAt` gives the one for a time. */
  readonly from?: string;
  readonly limit: number;
}

export interface ArtifactReport {
  readonly state: ArtifactState;
  readonly error: string | null;
  readonly artifactsPath: string | null;
  readonly logsPath: string | null;
  /** Size of the log that was fetched. */
  readonly logBytes: number | null;
}

export interface RunStore {
  /**
   * Decides in one critical section, whichever process asks: an active run of the same machine and work is `reuse`; a
   * machine with no free slot is `busy` (or a run without a slot when `queue`); else `make()` is recorded as `created`.
   * `make` runs at most once, only to create, and must be synchronous and pure. Errors: `machine_drained` without `queue`.
   */
  prepareAtomic(dispatch: Dispatch, make: () => NewRun): Promise<Prepared>;
  /**
   * Records a run that needs no slot, together with its driver's lease: nobody else can drive it before its driver has
   * had its turn. Each is work of its own, never attached to. `make` must be synchronous and pure.
   */
  createRun(machine: string, driver: Driver, make: () => SlotlessRun): Promise<CreatedRun>;
  getRun(id: string): Promise<Run | null>;
  /** Runs whose id starts with `prefix`, at most `limit`. */
  findRunsByPrefix(prefix: string, limit: number): Promise<readonly Run[]>;
  getRuns(ids: readonly string[]): Promise<ReadonlyMap<string, Run>>;
  listRuns(filter: RunFilter, page: RunPage): Promise<readonly Run[]>;
  countRuns(filter: RunFilter): Promise<Readonly<Record<RunStatus, number>>>;
  /** Every pending or running run, oldest first. */
  activeRuns(): Promise<readonly Run[]>;
  /** Runs that hold a slot of `machine`, oldest first. */
  activeByMachine(machine: string): Promise<readonly Run[]>;
  /** Every run of this tree on this machine, newest first. */
  findByTestDirHashAndMachine(hash: string, machine: string): Promise<readonly Run[]>;
  /** The newest completed run of the same work on the machine, for `--reuse`. */
  findCompletedByWork(machine: string, workHash: string): Promise<Run | null>;
  /** Durations in milliseconds of the newest completed runs of `ref`, newest first. */
  recentDurations(ref: string, limit: number): Promise<readonly number[]>;

  /**
   * Gives a queued run a free slot when it is the oldest that waits for the machine, but for those in `passOver`, which
   * the caller could not start; null when it has to go on waiting, as it has for a drained machine.
   */
  placeRun(id: string, slots: number, passOver?: readonly string[]): Promise<Run | null>;
  /** The machine said that the attempt started. */
  startRun(guard: RunGuard, start: StartRecord, logsPath: string | null): Promise<GuardedWrite>;
  /** An attempt ended and another follows: the next number, a new fence, the slot kept. */
  nextAttempt(guard: RunGuard, outcome: RunOutcome): Promise<GuardedWrite>;
  /** The run's end. Releases its slot and the driver's lease in the same transaction. */
  finishRun(guard: RunGuard, outcome: RunOutcome, artifacts: ArtifactReport): Promise<GuardedWrite>;
  /** Artifacts were fetched, or could not be, after the end; no lease needed since the outcome is not touched. */
  recordArtifacts(runId: string, report: ArtifactReport): Promise<Run | null>;
  noteContact(guard: RunGuard, unreachableSince: number | null): Promise<GuardedWrite>;
  /**
   * States the wish that a run ends. A run that still waits for a slot ends at once as `interrupted`: it has never been
   * on a machine. Any other is its driver's to end, even when that has died: a start that nobody recorded may have
   * happened, and only the machine can tell. Returns null for an unknown run.
   */
  requestCancel(id: string, by: string): Promise<Run | null>;
  /** Keeps a run from being removed as garbage, or no longer; null when unknown. */
  pinRun(id: string, pinned: boolean): Promise<Run | null>;
  /** Forgets a run and its events; refuses (false) while it is active, unless others execute it (`external`). */
  removeRun(id: string): Promise<boolean>;
}
