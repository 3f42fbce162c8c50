/** How long an operation waits, as a signal. */
import { LONGEST_TIMER_MS } from "../domain/longest-timer.js";

/**
 * Aborted with `signal`, and when the time is over.
 *
 * @param limitMs null for no limit; one of more than a timer's length (24 days) is none either
 */
export function withinLimit(limitMs: number | null, signal: AbortSignal | undefined): AbortSignal {
  const limits = limitMs === null || limitMs > LONGEST_TIMER_MS ? [] : [AbortSignal.timeout(limitMs)];
  return AbortSignal.any(signal === undefined ? limits : [...limits, signal]);
}
