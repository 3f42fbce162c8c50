/** How the readiness gates of a store stand, with the holds that were asked for and are still to be carried out. */
import { type Readiness, type ReadinessGate, readinessOf } from "../../domain/readiness.js";
import { LIVE_TASK_STATES } from "../../domain/task.js";
import type { Store } from "../../store/store.js";
import { gateOf, MARK_NOT_READY } from "./readiness-tasks.js";

/** Holds that wait are few; should there be more, there is no telling what the rest are about. */
const MOST_HOLDS = 1_000;

export interface StoredReadiness extends Readiness {
  readonly gates: readonly ReadinessGate[];
}

/** Errors: the store's. */
export async function readReadiness(store: Store): Promise<StoredReadiness> {
  const filter = { types: [MARK_NOT_READY], states: LIVE_TASK_STATES };
  const waiting = await store.tasks.listTasks(filter, { limit: MOST_HOLDS });
  // Read after them: a hold that is carried out between the two looks is seen in one of them at least.
  const gates = await store.gates.listGates();
  const now = await store.now();
  // When one that is tried again was asked for is known to its handler alone: until then it counts as the newest.
  const pending = waiting.map(({ params, run, submittedAt }) => {
    return { gate: gateOf(params), at: run === 1 ? submittedAt : Math.max(now, submittedAt) };
  });
  return { ...readinessOf(gates, pending), gates };
}
