/** Names an attempt on a machine, in its files and in requests about it. */
import { WaybillError } from "../domain/errors.js";
import type { AttemptKey } from "../domain/machine.js";

const RUN_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/** @throws `invalid_input` for a run id that cannot be a file's name or a record's field. */
export function mustBeAttempt(key: AttemptKey): AttemptKey {
  if (RUN_ID.test(key.runId) && Number.isSafeInteger(key.attempt) && key.attempt >= 0) return key;
  throw new WaybillError("invalid_input", `Not an attempt: run "${key.runId}", attempt ${key.attempt}.`, {
    hint: "A run id has 1 to 128 letters, digits, dots, dashes or underscores; an attempt is a whole number.",
  });
}

/** Run, attempt and fence as the supervisor's verbs take them. */
export function attemptArguments(key: AttemptKey, fence = 0): string[] {
  const { runId, attempt } = mustBeAttempt(key);
  return [runId, String(attempt), String(fence)];
}
