/** The end of an attempt whose time is over, whoever executed it. */
import type { AttemptLimit } from "../domain/attempt-limit.js";
import { plainFailure } from "../domain/task.js";
import type { AttemptEnd } from "../store/attempt-store.js";

/**
 * @param timeoutMs how long it was allowed to take, when that is over; milliseconds
 * @param retryMs when another attempt may follow; none does once the task's deadline has passed
 */
export function timedOut(of: AttemptLimit["of"], timeoutMs: number | null, retryMs: number | null): AttemptEnd {
  const failure =
    of === "deadline"
      ? plainFailure("deadline_exceeded", "It ran when its deadline passed.")
      : plainFailure("timeout", `The attempt took longer than ${timeoutMs} ms.`);
  return { state: "timed_out", failure, retryMs: of === "deadline" ? null : retryMs };
}
