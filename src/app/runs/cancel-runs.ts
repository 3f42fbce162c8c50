import { toRunView } from "../../contracts/run-views.js";
import type { Run } from "../../domain/run.js";
import type { AppContext, CallHandler } from "../context.js";
import { allEnded, awaitRuns } from "./await-runs.js";
import { findRuns } from "./find-run.js";

export const cancelRuns: CallHandler<"runs.cancel"> = async (context, input, options) => {
  const runs = await findRuns(await context.store(), input.id);
  const cancelled = await requestCancels(context, runs, input.wait, options.signal);
  return { runs: cancelled.map(toRunView) };
};

/** States the wish for each run, and waits until the machines have carried it out unless told not to. */
export async function requestCancels(
  context: AppContext,
  runs: readonly Run[],
  wait: boolean,
  signal: AbortSignal = new AbortController().signal,
): Promise<Run[]> {
  const store = await context.store();
  const asked = await Promise.all(runs.map((run) => store.runs.requestCancel(run.id, context.settings.user)));
  const ids = asked.flatMap((run) => run?.id ?? []);
  return await awaitRuns(context, ids, wait ? allEnded : () => true, signal);
}
