/**
 * A result as a caller tells it on its command line or in a file. What is none is the caller's own mistake, and says nothing
 * about the work: `invalid_result` is left to attempts that ended with it.
 */
import { WaybillError } from "../../domain/errors.js";
import { type ResultMessage, readResult, type WorkerResult } from "../../domain/result.js";
import { parseResult } from "../../workers/result-codec.js";

/** Errors: `invalid_input`. */
export function toldResult(message: ResultMessage): WorkerResult {
  const reading = readResult({ v: 2, ...message });
  if (reading.ok) return reading.result;
  throw new WaybillError("invalid_input", reading.reason);
}

/** Errors: `invalid_input`. */
export function readToldResult(text: string): WorkerResult {
  const parsed = parseResult(text.trim());
  if (parsed.ok) return parsed.result;
  throw new WaybillError("invalid_input", parsed.reason, {
    hint: 'Expected JSON such as {"v":2,"kind":"success","summary":"tests pass"}, or a dispatch-result line.',
  });
}
