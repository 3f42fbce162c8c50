/**
 * A result as a caller tells it on its command line or in a file. What is none is the caller's own mistake, and says nothing
 * about the work: `invalid_result` is left to attempts that ended with it.
 */
import { WaybillError } from "../../domain/errors.js";
import { type ResultMessage, toResult, type WorkerResult } from "../../domain/result.js";
import { parseResult } from "../../workers/result-codec.js";

/** Errors: `invalid_input`. */
export function toldResult(message: ResultMessage): WorkerResult {
  try {
    return toResult(message);
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    throw new WaybillError("invalid_input", error.message, { cause: error });
  }
}

/** Errors: `invalid_input`. */
export function readToldResult(text: string): WorkerResult {
  const parsed = parseResult(text.trim());
  if (parsed.ok) return parsed.result;
  throw new WaybillError("invalid_input", parsed.reason, {
    hint: 'Expected JSON such as {"v":2,"kind":"success","summary":"tests pass"}, or a dispatch-result line.',
  });
}
