import { isTerminal } from "../../domain/run.js";
import type { AppContext } from "../context.js";

/** What Ctrl-C is to a command: INT to its whole group, or the wish that it ends when it has not started yet. */
export async function interruptRun(context: AppContext, runId: string): Promise<void> {
  const { store, machine } = await context.runtime();
  const run = await store.runs.getRun(runId);
  if (run === null || isTerminal(run.status)) return;
  const heard = await machine(run.request.target).signal({ runId, attempt: run.attempt }, "INT");
  if (!heard && run.status === "pending") await store.runs.requestCancel(runId, context.settings.user);
}
