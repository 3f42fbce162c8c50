/** A machine that something other than the inventory knows of, as a source found it. */
import type { MachineOs } from "../../domain/machine.js";

export interface FoundMachine {
  /** A name for the inventory; may not be a legal one. */
  readonly name: string;
  /** What `ssh` is to be given. */
  readonly host: string;
  /** Null: the source does not say. */
  readonly os: MachineOs | null;
  readonly tags: readonly string[];
  /** False when the source knows that it cannot be reached now; null when it does not know. */
  readonly online: boolean | null;
  /** Where it is, for people: `ci@10.0.0.5:2222 through door`. */
  readonly about: string;
}
