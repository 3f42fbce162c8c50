/** Waiting for something to become true, with a deadline instead of a guess. */
import { setTimeout as pause } from "node:timers/promises";

/** Far beyond what anything here takes on a loaded machine with two cores. */
export const DEADLINE_MS = 60_000;

/**
 * Looks until `condition` answers with something other than false, null or undefined, and returns that.
 *
 * @throws with `what` when the deadline passes
 */
export async function until<T>(
  what: string,
  condition: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > end) throw new Error(`Not within ${deadlineMs} ms: ${what}.`);
    await pause(25);
  }
}
