import { type RunView, toRunView } from "../../contracts/run-views.js";
import type { AppContext, CallHandler } from "../context.js";
import { findRuns } from "./find-run.js";

/** All are found before any is changed. What is removed meanwhile has nothing left to pin, and is left out. */
async function pin(context: AppContext, ids: readonly string[], pinned: boolean): Promise<{ runs: RunView[] }> {
  const store = await context.store();
  const found = await findRuns(store, ids);
  const runs = await Promise.all(found.map((run) => store.runs.pinRun(run.id, pinned)));
  return { runs: runs.filter((run) => run !== null).map(toRunView) };
}

export const pinRuns: CallHandler<"runs.pin"> = (context, input) => pin(context, input.id, true);
export const unpinRuns: CallHandler<"runs.unpin"> = (context, input) => pin(context, input.id, false);
