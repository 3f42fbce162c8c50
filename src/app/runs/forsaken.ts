/** Runs that are active and that nobody living looks after: their driver was killed, or is of another time. */
import { type DispatchScope, HOST_SCOPE } from "../../dispatch/dispatch-scope.js";
import { isHeld } from "../../dispatch/runtime.js";
import { WaybillError } from "../../domain/errors.js";
import { runLeaseName } from "../../domain/lease.js";
import { isTerminal, type Run } from "../../domain/run.js";
import type { AppContext } from "../context.js";

export async function someAreForsaken(context: AppContext, runs: readonly Run[]): Promise<boolean> {
  const active = runs.filter((run) => !isTerminal(run.status) && run.kind !== "external");
  if (active.length === 0) return false;
  const runtime = await context.runtime();
  for (const run of active) {
    const lease = await runtime.store.leases.getLease(runLeaseName(run.id));
    if (!(await isHeld(runtime, lease))) return true;
  }
  return false;
}

/**
 * For commands that only read: they write nothing themselves, but start the dispatcher that brings the records up to date,
 * so that what was left by a kill is not shown as running for ever.
 */
export async function wakeDispatcherFor(context: AppContext, runs: readonly Run[]): Promise<void> {
  if (await someAreForsaken(context, runs)) await wakeDispatcher(context, HOST_SCOPE);
}

export async function wakeDispatcher(context: AppContext, scope: DispatchScope): Promise<void> {
  try {
    await context.ensureDispatcher(scope);
  } catch (error) {
    // Whoever may read the store and not write beside it cannot start a dispatcher; the reading must not fail for that.
    if (!(error instanceof WaybillError) || error.code !== "spawn_failed") throw error;
  }
}
