/** What the engine reads from whatever a handler threw. Nothing here throws, whatever it is given. */
import { DELAY, wholeDelay } from "../domain/delay.js";
import { isErrorCode, WaybillError } from "../domain/errors.js";
import type { FailureFacts } from "../domain/retry.js";
import { plainFailure, type TaskFailure } from "../domain/task.js";
import { isNeedsInput, isRetryable, isSnooze, isTerminal } from "./handler-errors.js";
import { safely, shown, shownOf } from "./shown.js";

/** Messages are kept up to this length; characters. */
const LONGEST_MESSAGE = 8_192;

/** Trying again meets the same params, the same definition and the same result. */
const TERMINAL_CODES: ReadonlySet<string> = new Set(["invalid_input", "invalid_result", "task_conflict"]);

const asError = (thrown: unknown): Error | null => safely(() => (thrown instanceof Error ? thrown : null), null);

const asOurs = (thrown: unknown): WaybillError | null =>
  safely(() => (thrown instanceof WaybillError && isErrorCode(thrown.code) ? thrown : null), null);

const cut = (text: string): string => text.slice(0, LONGEST_MESSAGE);

/** Null for an error that is named by anything but a text. */
function nameOf(error: Error): string | null {
  const name = safely<unknown>(() => error.name, null);
  return typeof name === "string" ? name : null;
}

function classesOf(error: Error): readonly string[] {
  const names = new Set<unknown>([nameOf(error)]);
  for (let at: object | null = error; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (at !== error && at !== Object.prototype) names.add((at.constructor as { name?: unknown } | undefined)?.name);
  }
  return [...names].filter((name) => typeof name === "string");
}

/** What is wrong with the delay that it asks for, to be added to its message; empty when nothing is. */
function faultOf(thrown: unknown): string {
  if (isSnooze(thrown) && wholeDelay(thrown.ms) === null)
    return ` (its time is ${shown(thrown.ms)}; expected ${DELAY})`;
  if (!isRetryable(thrown) || thrown.afterMs === null || wholeDelay(thrown.afterMs) !== null) return "";
  return ` (its afterMs is ${shown(thrown.afterMs)}; expected ${DELAY}; the retry policy decides)`;
}

/** What was thrown, as it is stored. Anything can be thrown; what is no error is shown as it prints. */
export function failureOf(thrown: unknown): TaskFailure {
  const ours = asOurs(thrown);
  if (ours !== null) return plainFailure(ours.code, cut(shownOf(() => ours.message)));
  const error = asError(thrown);
  if (error === null) return plainFailure("task_failed", cut(shown(thrown)));
  const message = `${shownOf(() => error.message)}${safely(() => faultOf(error), "")}`;
  return { code: "task_failed", name: nameOf(error), message: cut(message) };
}

/** What decides about another attempt. */
export function factsOf(thrown: unknown): FailureFacts {
  const error = asError(thrown);
  return {
    classes: error === null ? [] : safely(() => classesOf(error), []),
    terminal: isTerminal(thrown) || TERMINAL_CODES.has(asOurs(thrown)?.code ?? ""),
    retryAfterMs: isRetryable(thrown) ? safely(() => wholeDelay(thrown.afterMs), null) : null,
  };
}

/** For how long it asks to be left alone; null when it asks for nothing of that kind, or for no time that can be waited. */
export const snoozedFor = (thrown: unknown): number | null =>
  isSnooze(thrown) ? safely(() => wholeDelay(thrown.ms), null) : null;

/** The question that it asks a person; null when it asks none. */
export const questionOf = (thrown: unknown): string | null =>
  isNeedsInput(thrown) ? shownOf(() => thrown.question) : null;
