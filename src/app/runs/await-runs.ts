/** Waits for runs that others drive, and sees to it that somebody does. */
import { HOST_SCOPE } from "../../dispatch/dispatch-scope.js";
import { isTerminal, type Run } from "../../domain/run.js";
import type { AppContext } from "../context.js";
import { someAreForsaken } from "./forsaken.js";

/** How often it is looked whether the drivers still live. */
const LOOK_MS = 1_000;

/**
 * Resolves with the runs once `enough` of them have ended (or were removed), or at the abort with how they stand.
 */
export async function awaitRuns(
  context: AppContext,
  ids: readonly string[],
  enough: (runs: readonly Run[]) => boolean,
  signal: AbortSignal,
): Promise<Run[]> {
  const store = await context.store();
  for (;;) {
    const found = await store.runs.getRuns(ids);
    const runs = ids.flatMap((id) => found.get(id) ?? []);
    if (signal.aborted) return runs;
    // Also for who does not wait: what was asked for must be carried out by somebody.
    if (await someAreForsaken(context, runs)) await context.ensureDispatcher(HOST_SCOPE);
    if (enough(runs)) return runs;
    await store.events.waitForChange(LOOK_MS, signal);
  }
}

export const allEnded = (runs: readonly Run[]): boolean => runs.every((run) => isTerminal(run.status));
export const anyEnded = (runs: readonly Run[]): boolean => runs.some((run) => isTerminal(run.status));
