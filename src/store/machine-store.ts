import type { ErrorCode } from "../domain/errors.js";
import type { Drain, MachineNote } from "../domain/machine-note.js";

/** Which machine answered, or did not. */
export interface MachineContact {
  readonly name: string;
  /** SHA-256 of `canonicalTarget`. What was noted of another place under the name is dropped. */
  readonly targetHash: string;
}

/** What is remembered of machines. The inventory says which exist; a note about one that it lacks does no harm. */
export interface MachineStore {
  /**
   * The machine answered. Only changes are events, and only a change or a note older than a minute is a write, so that
   * it may be called at every answer.
   */
  noteMachineContact(contact: MachineContact): Promise<void>;
  /** It did not answer, or not as it should. As cheap as `noteMachineContact`. */
  noteMachineFailure(contact: MachineContact, errorCode: ErrorCode): Promise<void>;
  /**
   * From this write on no run and no item gets a slot of it: `prepareAtomic` and `dispatchItem` refuse, `placeRun` lets
   * wait. Draining again changes nothing but the reason. Answers with the drain as it stands.
   */
  drainMachine(name: string, drain: Pick<Drain, "by" | "reason">): Promise<Drain>;
  /** Lets it take work again; false when it was not drained. */
  undrainMachine(name: string, by: string): Promise<boolean>;
  /** By name. */
  listMachineNotes(): Promise<readonly MachineNote[]>;
}
