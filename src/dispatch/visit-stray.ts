/** Looks after an attempt that was left behind on a machine which could not be reached (`domain/stray-attempt.ts`). */
import { outcomeOf } from "../domain/outcome.js";
import { isTerminal } from "../domain/run.js";
import { judgeStray, type StrayAttempt } from "../domain/stray-attempt.js";
import { withContactNoted } from "./machine-contact.js";
import type { Runtime } from "./runtime.js";

/**
 * Asks the stray's machine, and acts on what it says.
 *
 * @returns whether the stray needs another visit. Errors: `machine_unreachable` and the like while it is still away.
 */
export async function visitStray(runtime: Runtime, stray: StrayAttempt): Promise<boolean> {
  const { store } = runtime;
  const machine = runtime.machine(stray.target);
  const run = await store.runs.getRun(stray.runId);
  if (run === null) return false;
  const answer = await withContactNoted(store, stray.target, () => machine.status(stray));
  switch (judgeStray(answer, run.request.onUnreachable, !isTerminal(run.status))) {
    case "stop":
      await machine.cancel(stray);
      return true;
    case "adopt":
      if (answer.state !== "exit") throw new Error(`A stray in state ${answer.state} was to be adopted.`);
      await store.relocation.noteReturn(stray.runId, stray.attempt, outcomeOf(answer, run.request));
      runtime.onStep("stray.returned", stray.runId);
      // The run's driver takes it from here; should it end first, the next visit discards the stray.
      return true;
    case "discard":
      // A start that is still on its way finds this and does nothing.
      await machine.cancel(stray);
      if (answer.state === "lost") await machine.reap(stray);
      await machine.forget(stray);
      await store.relocation.settleStray(stray.runId, stray.attempt);
      return false;
  }
}
