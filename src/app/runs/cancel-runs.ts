import { durationMs } from "../../contracts/fields.js";
import { toRunView } from "../../contracts/run-views.js";
import { isReachable } from "../../dispatch/dispatch-scope.js";
import { keyOf } from "../../dispatch/drive.js";
import { WaybillError } from "../../domain/errors.js";
import type { CancelManner } from "../../domain/machine.js";
import { isTerminal, type Run, waitsForSlot } from "../../domain/run.js";
import type { AppContext, CallHandler } from "../context.js";
import { allEnded, awaitRuns } from "./await-runs.js";
import { findRuns } from "./find-run.js";

export const cancelRuns: CallHandler<"runs.cancel"> = async (context, input, options) => {
  const runs = await findRuns(await context.store(), input.id);
  const manner = { signal: input.signal ?? null, graceMs: durationMs(input.grace) };
  if (manner.signal !== null || manner.graceMs !== null) for (const run of runs) await tellManner(context, run, manner);
  const cancelled = await requestCancels(context, runs, input.wait, options.signal);
  return { runs: cancelled.map(toRunView) };
};

/** How it is to end is said to the machine itself; that it is to end is then stated and awaited as ever. */
async function tellManner(context: AppContext, run: Run, manner: CancelManner): Promise<void> {
  if (isTerminal(run.status) || waitsForSlot(run)) return;
  const runtime = await context.runtime();
  if (!isReachable(run, runtime.holder)) {
    throw new WaybillError("machine_unreachable", `${run.machine} belongs to host ${run.request.target.host}.`, {
      hint: "--signal and --grace are for that host; without them the wish is recorded and carried out there.",
    });
  }
  await runtime.machine(run.request.target).cancel(keyOf(run), manner);
}

/**
 * States the wish for each run and then for what their programs called and wait for, and waits until the machines have
 * carried it out unless told not to. The callers go first: one whose call was ended would else end by itself, as failed.
 */
export async function requestCancels(
  context: AppContext,
  runs: readonly Run[],
  wait: boolean,
  signal: AbortSignal = new AbortController().signal,
): Promise<Run[]> {
  const store = await context.store();
  const below = descendantsOf(runs, await store.runs.activeRuns());
  const asked = await Promise.all(runs.map((run) => store.runs.requestCancel(run.id, context.settings.user)));
  const ids = asked.flatMap((run) => run?.id ?? []);
  const enough = wait ? allEnded : () => true;
  const ended = await awaitRuns(context, ids, enough, signal);
  for (const run of below) await store.runs.requestCancel(run.id, context.settings.user);
  const called = below.map((run) => run.id);
  await awaitRuns(context, called, enough, signal);
  return ended;
}

/** Commands that a program called in the foreground belong to it as its other children do; detached ones do not. */
function descendantsOf(runs: readonly Run[], active: readonly Run[]): Run[] {
  const known = new Set(runs.map((run) => run.id));
  const found: Run[] = [];
  // Oldest first, so that a parent is known before its children.
  for (const run of active) {
    if (known.has(run.id) || run.parentRunId === null || !known.has(run.parentRunId)) continue;
    if (run.kind !== "command" || run.detached) continue;
    known.add(run.id);
    found.push(run);
  }
  return found;
}
