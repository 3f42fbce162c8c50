/** Why an attempt is told to stop. The first reason stands. */
import { WaybillError } from "../domain/errors.js";

export type Interruption = "timeout" | "deadline" | "cancel" | "removed" | "superseded" | "shutdown" | "lost";

/** Somebody has ended the attempt in the store: what is left is to end its handler. */
export const isTakenAway = (why: Interruption | null): boolean => why === "removed" || why === "superseded";

const TEXTS: Readonly<
  Record<
    Interruption,
    readonly [code: "timeout" | "deadline_exceeded" | "cancelled" | "terminated" | "lease_lost", text: string]
  >
> = {
  timeout: ["timeout", "The attempt has passed its time limit."],
  deadline: ["deadline_exceeded", "The task has passed its deadline."],
  cancel: ["cancelled", "The task was asked to end."],
  removed: ["cancelled", "The task was removed."],
  superseded: ["lease_lost", "The task was taken from this engine, or given to somebody else."],
  shutdown: ["terminated", "The engine stops."],
  lost: ["lease_lost", "The engine lost its lease: others may execute its tasks."],
};

/** The reason that the handler's signal carries. */
export function reasonOf(interruption: Interruption): WaybillError {
  const [code, text] = TEXTS[interruption];
  return new WaybillError(code, text);
}
