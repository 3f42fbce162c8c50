/** Waiting for a lock without blocking the event loop: heartbeats go on while a store is busy. */
import { setTimeout as sleep } from "node:timers/promises";

/** How long a call waits for other processes before it gives up with `store_busy`; milliseconds. */
export const DEFAULT_PATIENCE_MS = 10_000;

const LONGEST_PAUSE_MS = 25;

/**
 * Calls `attempt` until it no longer throws what `isBusy` recognises, with growing pauses.
 *
 * @throws what `giveUp` makes of the last error once `patienceMs` are over; every other error at once.
 */
export async function patiently<T>(
  attempt: () => T,
  isBusy: (error: unknown) => boolean,
  patienceMs: number,
  giveUp: (error: unknown) => unknown,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= deadline) throw giveUp(error);
    }
    await sleep(pause);
  }
}
