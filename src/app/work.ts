/** A worker's life: take the scope's lease, keep the scope going, give the lease back, look once more, leave. */
import { type DispatchScope, scopeLeaseName } from "../dispatch/dispatch-scope.js";
import { Dispatcher } from "../dispatch/dispatcher.js";
import type { AppContext } from "./context.js";
import { readInventory } from "./read-inventory.js";
import { sweep } from "./system/sweep.js";

/**
 * Serves the scope until nothing is left. Returns at once when a living worker holds the lease.
 *
 * After giving the lease back it looks once more: whoever submitted work just before saw the lease held and started
 * nobody.
 */
export async function work(context: AppContext, scope: DispatchScope, signal: AbortSignal): Promise<void> {
  const runtime = await context.runtime();
  const keeper = await context.keeper();
  const purpose = scope.kind === "host" ? "dispatcher" : `${scope.kind} worker`;
  const machines = async () => (await readInventory(context.settings)).machines;
  const dispatcher = new Dispatcher(runtime, keeper, { scope, purpose, machines, waitsOutStore: true });
  let more = true;
  while (more && !signal.aborted) {
    const taken = await keeper.take(scopeLeaseName(scope, runtime.holder), purpose);
    if (!taken.won) return;
    runtime.onStep("worker.leased", taken.held.lease.name);
    await dispatcher.run(AbortSignal.any([signal, taken.held.lost]));
    await taken.held.release();
    more = await dispatcher.tick(AbortSignal.abort());
  }
  if (!signal.aborted) await sweep(context);
}
