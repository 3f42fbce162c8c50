import type { ExternalRun } from "../domain/external-run.js";
import type { Run } from "../domain/run.js";

/** Runs that others execute and tell of. */
export interface ExternalRunStore {
  /**
   * Records a run whole, ended or not, in one write. With a name, `make` gets the run that was recorded under that name
   * before and what it makes takes that run's place, its id included; null leaves everything as it is. `make` must be
   * synchronous and pure.
   */
  recordRun(name: string | null, make: (found: Run | null) => ExternalRun | null): Promise<void>;
  /** The run recorded under this name. */
  findByName(name: string): Promise<Run | null>;
  /** Detached runs of every kind, by id, those after `after`. */
  listDetached(after: string, limit: number): Promise<readonly Run[]>;
}
