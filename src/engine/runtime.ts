/** What the parts of an engine share; `open-engine.ts` fills it. */

import type { AttemptState } from "../domain/attempt.js";
import type { Liveness, ProcessIdentity } from "../domain/lease.js";
import type { TaskState } from "../domain/task.js";
import type { WorkerIdentity } from "../domain/worker.js";
import type { Log } from "../observe/log.js";
import type { ClaimedTask, TakenBack } from "../store/attempt-store.js";
import type { Store } from "../store/store.js";
import type { TaskDefinition } from "./task-definition.js";

/** What happens in an engine, for metrics. Told after the store has it. */
export type EngineFact =
  | { readonly kind: "submitted"; readonly type: string; readonly count: number }
  | { readonly kind: "started"; readonly type: string; readonly waitedMs: number }
  | {
      readonly kind: "ended";
      readonly type: string;
      readonly attempt: AttemptState;
      /** What became of the task; null when the write was refused. */
      readonly task: TaskState | null;
      readonly errorCode: string | null;
      readonly durationMs: number;
    }
  | ({ readonly kind: "taken_back" } & TakenBack)
  /** There was nothing to claim, and nothing runs here. */
  | { readonly kind: "idle" };

/** Wraps the execution of an attempt, for traces: calls `run` once and answers with what it answers. */
export type Around = (
  attempt: Pick<ClaimedTask, "id" | "type" | "attempt" | "trace">,
  run: () => Promise<unknown>,
) => Promise<unknown>;

/** Who an engine is that joins the workers instead: its lease is a worker's, and its agent's name is shown. */
export type EngineEnrolment = Omit<WorkerIdentity, "types"> & {
  /** Whose death proves it dead; default this process. */
  readonly holder?: ProcessIdentity;
};

export interface EngineRuntime {
  readonly store: Store;
  readonly definitions: ReadonlyMap<string, TaskDefinition>;
  readonly holder: ProcessIdentity;
  /** Null of an engine. */
  readonly enrolment: EngineEnrolment | null;
  /** Only tasks that carry all of them are claimed. */
  readonly tags: readonly string[];
  readonly liveness: (process: ProcessIdentity) => Liveness;
  readonly newId: () => string;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: () => number;
  readonly log: Log;
  readonly observe: (fact: EngineFact) => void;
  readonly around: Around;
  readonly concurrency: number;
  /** How many tasks are claimed ahead at most; they begin as soon as a handler is free. */
  readonly prefetch: number;
  /** After so many attempts no more is claimed. */
  readonly mostAttempts: number;
  readonly leaseMs: number;
  /** How long an attempt that was told to stop may take before it is ended without it; milliseconds. */
  readonly abortGraceMs: number;
  readonly quarantineAfter: number;
  /** How long tasks are kept after their end; milliseconds, null for ever. */
  readonly keepEndedMs: number | null;
}
