import type { MachineSpec } from "../domain/machine.js";
import type { RunOutcome } from "../domain/run.js";
import type { StrayAttempt } from "../domain/stray-attempt.js";
import type { GuardedWrite, RunGuard } from "./run-store.js";

/** Where a run is to go on. */
export interface Move {
  readonly target: MachineSpec;
  /** Identity of the work on that machine. */
  readonly workHash: string;
  /** Why, for people who read events. */
  readonly reason: string;
}

/** `no_slot`: the machine is full, drained, or runs the same work already; nothing was changed. */
export type MoveAnswer = GuardedWrite | { readonly written: false; readonly refusal: "no_slot" };

/** Runs that leave a machine which cannot be reached, and what they leave there. */
export interface RelocationStore {
  /** The machine is about to be asked to start this attempt; the first time counts. */
  noteStartAsked(guard: RunGuard): Promise<GuardedWrite>;
  /**
   * Gives a run a slot on another machine, in one critical section. An attempt that the first machine was asked to start
   * stays behind as a stray, and the run goes on with the next attempt; one that it was never asked for moves as it is.
   */
  moveRun(guard: RunGuard, move: Move): Promise<MoveAnswer>;
  /** Attempts whose machines have not answered for them yet, or whose answer nobody has acted on, oldest first. */
  listStrays(): Promise<readonly StrayAttempt[]>;
  straysOf(runId: string): Promise<readonly StrayAttempt[]>;
  /** The machine is back and says how the stray ended by itself. False when there is no such stray (any more). */
  noteReturn(runId: string, attempt: number, outcome: RunOutcome): Promise<boolean>;
  /** Nothing is left to do about the stray. */
  settleStray(runId: string, attempt: number): Promise<void>;
}
