/** What the dispatch needs of the world, in one record; the composition root fills it, tests fill it differently. */
import type { Lease, Liveness, ProcessIdentity } from "../domain/lease.js";
import type { MachineSpec } from "../domain/machine.js";
import type { Provenance } from "../domain/run.js";
import type { Machine } from "../machines/machine-port.js";
import type { Log } from "../observe/log.js";
import type { OnStep } from "../observe/steps.js";
import type { Store } from "../store/store.js";

export interface Runtime {
  readonly store: Store;
  readonly holder: ProcessIdentity;
  readonly liveness: (process: ProcessIdentity) => Liveness;
  readonly machine: (spec: MachineSpec) => Machine;
  /** Where variables given as `from_env` are read, and what programs on local machines inherit. */
  readonly environment: Readonly<Record<string, string>>;
  /** On whose behalf this process has runs executed. */
  readonly provenance: Provenance;
  readonly treesDir: string;
  /** Where an attempt's log and artifacts are brought to. */
  readonly attemptDir: (runId: string, attempt: number) => string;
  readonly newId: () => string;
  readonly clock: () => number;
  readonly log: Log;
  readonly onStep: OnStep;
}

/** Whether the holder of a lease still counts: not expired, and not proved dead. */
export async function isHeld(runtime: Pick<Runtime, "store" | "liveness">, lease: Lease | null): Promise<boolean> {
  if (lease === null) return false;
  const now = await runtime.store.now();
  return lease.expiresAt > now && runtime.liveness(lease.holder) !== "dead";
}
