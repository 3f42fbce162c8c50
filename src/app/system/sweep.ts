/** Retention that needs nobody's asking: a little of it by each dispatcher that has nothing else left to do. */
import type { AppContext } from "../context.js";
import { removeFiles, retentionPolicy } from "./collect-garbage.js";

const EVERY_MS = 3_600_000;
/** So that a dispatcher leaves soon; the rest goes with the next sweeps. */
const RUNS_AT_ONCE = 2_000;

/** Removes what the retention does not keep, at most once an hour per store. A sweep that fails is told in the log only. */
export async function sweep(context: AppContext): Promise<void> {
  const { store, log } = await context.runtime();
  const { home, retention } = context.settings;
  try {
    if (!(await store.claimSweep(EVERY_MS))) return;
    const policy = retentionPolicy(retention, await store.now());
    const { runIds } = await store.collectGarbage({ ...policy, dryRun: false, atMost: RUNS_AT_ONCE });
    await removeFiles(home, runIds, []);
    log("store.swept", { runs: runIds.length });
  } catch (error) {
    // What a dispatcher is for is done; what could not be removed now can be in an hour.
    log("store.sweep_failed", { error: (error as Error).message });
  }
}
