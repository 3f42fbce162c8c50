import { WaybillError } from "../domain/errors.js";

/** Whether the store refused what it was given for good: it would do so again, while it may well take something else. */
export const isRefusal = (error: unknown): boolean =>
  !(error instanceof WaybillError) || !(error.retryable || WAITS_FOR_SOMEBODY.has(error.code));

/** Somebody may mend the disk, or its permissions; and a store that was closed takes nothing at all. */
const WAITS_FOR_SOMEBODY: ReadonlySet<string> = new Set(["store_unwritable", "invalid_state"]);
