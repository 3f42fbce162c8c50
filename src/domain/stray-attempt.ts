/** An attempt that was left behind on a machine out of reach, when another machine took its run over. */
import type { ContactPolicy } from "./contact-policy.js";
import type { ExitReason, MachineAnswer, MachineSpec } from "./machine.js";
import type { RunOutcome } from "./run.js";

export interface StrayAttempt {
  readonly runId: string;
  readonly attempt: number;
  readonly target: MachineSpec;
  readonly leftAt: number;
  /** How it ended by itself, once its machine has told and until the run has taken it over; else null. */
  readonly outcome: RunOutcome | null;
}

/** What to do about a stray whose machine has answered. */
export type StrayVerdict =
  /** It ended by itself, and its end is to count. */
  | "adopt"
  /** Nothing of it counts: a start that is still on its way is forestalled, and what it left is removed. */
  | "discard"
  /** It runs: it is told to stop, and looked at again. */
  | "stop";

/** Ends that the program itself, or its own limits, brought about; any other end is that of the machine or of Waybill. */
const OWN_ENDS: readonly ExitReason[] = ["exited", "timeout", "silence", "log_limit"];

/** @param active whether the run itself is still under way; an end that is recorded is never replaced. */
export function judgeStray(answer: MachineAnswer, policy: ContactPolicy, active: boolean): StrayVerdict {
  if (answer.state === "running" || answer.state === "starting") return "stop";
  const own = answer.state === "exit" && OWN_ENDS.includes(answer.exit.reason);
  return own && active && policy.onReturn === "keep_original" ? "adopt" : "discard";
}

/** The first end of its own that a stray brought back, if it is to count. */
export const returnedOf = (strays: readonly StrayAttempt[]): StrayAttempt | null =>
  strays.find((stray) => stray.outcome !== null) ?? null;
