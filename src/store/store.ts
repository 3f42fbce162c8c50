/**
 * The store's ports, one per aggregate, in the smallest form that their users need.
 *
 * Nothing here assumes one host or one process: every decision that must be made once is one call, time is the store's,
 * and who may write is told by a fence. `conformance/` says in tests what every implementation must do.
 *
 * Every method may throw `store_busy`, `store_full`, `store_unwritable` or `store_corrupt`; once it has returned, what it
 * recorded survives `kill -9` and power loss.
 */
import type { RemovalReason, Retention } from "../domain/retention.js";
import type { AttemptStore } from "./attempt-store.js";
import type { BatchStore } from "./batch-store.js";
import type { CacheStore } from "./cache-store.js";
import type { EventStore } from "./event-store.js";
import type { ExternalRunStore } from "./external-run-store.js";
import type { GateStore } from "./gate-store.js";
import type { HistoryStore } from "./history-store.js";
import type { LeaseStore } from "./lease-store.js";
import type { LinkStore } from "./link-store.js";
import type { MachineStore } from "./machine-store.js";
import type { NoteStore } from "./note-store.js";
import type { QueueStore } from "./queue-store.js";
import type { RelocationStore } from "./relocation-store.js";
import type { RunStore } from "./run-store.js";
import type { ScheduleStore } from "./schedule-store.js";
import type { StepStore } from "./step-store.js";
import type { TaskStore } from "./task-store.js";
import type { VariableStore } from "./variable-store.js";
import type { WorkerStore } from "./worker-store.js";

export interface StoreInfo {
  readonly url: string;
  readonly engine: string;
  readonly schemaVersion: number;
  readonly sizeBytes: number;
  readonly rows: Readonly<Record<string, number>>;
  /** Writes of superseded drivers that were refused since the store was made. */
  readonly staleWritesRefused: number;
  /** Settings on which durability rests, as the engine reports them. */
  readonly durability: Readonly<Record<string, string>>;
}

export interface GcPolicy {
  /** Runs, tasks and events that ended before this time go; epoch milliseconds. */
  readonly endedBefore: number;
  readonly dryRun: boolean;
  /** Nothing but tasks, and events about what is gone. Default everything. */
  readonly only?: "tasks";
  /** What is kept in other respects than age. With it, the newest completed run of each ref is kept too. */
  readonly retention?: Pick<Retention, "runsPerRef" | "logBytes">;
  /** How many runs go at most; default any number. */
  readonly atMost?: number;
}

export interface GcReport {
  readonly runIds: readonly string[];
  /** Why each of them goes. */
  readonly reasons: ReadonlyMap<string, RemovalReason>;
  readonly batchIds: readonly string[];
  /** How many tasks. */
  readonly tasks: number;
  readonly events: number;
}

export interface Store {
  readonly runs: RunStore;
  readonly batches: BatchStore;
  readonly leases: LeaseStore;
  readonly events: EventStore;
  readonly variables: VariableStore;
  readonly history: HistoryStore;
  readonly externalRuns: ExternalRunStore;
  readonly cache: CacheStore;
  readonly machines: MachineStore;
  readonly relocation: RelocationStore;
  readonly tasks: TaskStore;
  readonly attempts: AttemptStore;
  readonly steps: StepStore;
  readonly queues: QueueStore;
  readonly schedules: ScheduleStore;
  readonly gates: GateStore;
  readonly workers: WorkerStore;
  readonly notes: NoteStore;
  readonly links: LinkStore;
  info(): Promise<StoreInfo>;
  /** Writes a little, durably: throws what any write would now. Leaves no event. */
  probe(): Promise<void>;
  /** Writes of superseded attempts and drivers that were refused since the store was made. */
  staleWritesRefused(): Promise<number>;
  /** Removes what is finished and old, in small transactions. Batches go when their last run has gone. Never what is active or pinned. */
  collectGarbage(policy: GcPolicy): Promise<GcReport>;
  /** Whether the caller is to sweep now: true at most once in `everyMs` per store, whoever asks. */
  claimSweep(everyMs: number): Promise<boolean>;
  /** Deletes every record in a transaction; the file stays, so that other processes never write into a ghost. */
  reset(): Promise<void>;
  /** The store's clock, epoch milliseconds. */
  now(): Promise<number>;
  /** Writes what is waiting, then closes. Idempotent. */
  close(): Promise<void>;
}
