/** A dispatcher's life: take the scope's lease, keep the scope going, give the lease back, look once more, leave. */
import { type DispatchScope, scopeLeaseName } from "../dispatch/dispatch-scope.js";
import { Dispatcher } from "../dispatch/dispatcher.js";
import type { MachineSpec } from "../domain/machine.js";
import type { Log } from "../observe/log.js";
import type { AppContext } from "./context.js";
import { readInventory } from "./read-inventory.js";
import { sweep } from "./system/sweep.js";

/**
 * Serves the scope until nothing is left. Returns at once when a living dispatcher holds the lease.
 *
 * After giving the lease back it looks once more: whoever submitted work just before saw the lease held and started
 * nobody.
 */
export async function serveScope(context: AppContext, scope: DispatchScope, signal: AbortSignal): Promise<void> {
  const runtime = await context.runtime();
  const keeper = await context.keeper();
  const purpose = scope.kind === "host" ? "dispatcher" : `${scope.kind} dispatcher`;
  const machines = lastGood(async () => (await readInventory(context.settings)).machines, runtime.log);
  const dispatcher = new Dispatcher(runtime, keeper, { scope, purpose, machines, patient: true });
  let more = true;
  while (more && !signal.aborted) {
    const taken = await keeper.take(scopeLeaseName(scope, runtime.holder), purpose);
    if (!taken.won) return;
    runtime.onStep("dispatcher.leased", taken.held.lease.name);
    await dispatcher.run(AbortSignal.any([signal, taken.held.lost]));
    await taken.held.release();
    more = await dispatcher.hasMore();
  }
  if (!signal.aborted) await sweep(context);
}

/** An editor truncates a file for a moment: until it can be read again, what it said last counts. */
function lastGood(read: () => Promise<readonly MachineSpec[]>, log: Log): () => Promise<readonly MachineSpec[]> {
  let last: readonly MachineSpec[] | null = null;
  return async () => {
    try {
      last = await read();
    } catch (error) {
      if (last === null) throw error;
      log("inventory.unreadable", { error: (error as Error).message });
    }
    return last;
  };
}
