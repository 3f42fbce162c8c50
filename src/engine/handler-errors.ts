/** What a handler throws to say more than "it failed", and what the engine reads from whatever was thrown. */
import { inspect } from "node:util";
import { WaybillError } from "../domain/errors.js";
import type { FailureFacts } from "../domain/retry.js";
import { plainFailure, type TaskFailure } from "../domain/task.js";

/** Messages are kept up to this length; characters. */
const LONGEST_MESSAGE = 8_192;

/**
 * What tells these errors from others. A handler's module may have them from another copy of this package than the
 * engine, as when the command line executes it: then they are of other classes, and the mark is the same.
 */
const MARK = Symbol.for("waybill.handler-error");

const isMarked = (thrown: unknown, mark: string): boolean =>
  thrown instanceof Error && (thrown as { readonly [MARK]?: unknown })[MARK] === mark;

const isRetryable = (thrown: unknown): thrown is RetryableError => isMarked(thrown, "retryable");
const isTerminal = (thrown: unknown): boolean => isMarked(thrown, "terminal");
export const isNeedsInput = (thrown: unknown): thrown is NeedsInput => isMarked(thrown, "needs_input");
export const isSnooze = (thrown: unknown): thrown is Snooze => isMarked(thrown, "snooze");

/** The attempt failed and another is worth trying, at `afterMs` from now when it is given instead of the policy's time. */
export class RetryableError extends Error {
  readonly [MARK] = "retryable";
  readonly afterMs: number | null;

  constructor(message: string, options: { readonly afterMs?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RetryableError";
    this.afterMs = options.afterMs ?? null;
  }
}

/** The task fails now, however many attempts are left. */
export class TerminalError extends Error {
  readonly [MARK] = "terminal";

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TerminalError";
  }
}

/** Not now: the task is tried again after `ms` milliseconds, and this attempt does not count. */
export class Snooze extends Error {
  readonly [MARK] = "snooze";
  readonly ms: number;

  constructor(ms: number) {
    super(`Snoozed for ${ms} ms.`);
    this.name = "Snooze";
    this.ms = ms;
  }
}

/** A person has to be asked: the task waits for an answer (`ctx.answers()`), and this attempt does not count. */
export class NeedsInput extends Error {
  readonly [MARK] = "needs_input";
  readonly question: string;

  constructor(question: string) {
    super(question);
    this.name = "NeedsInput";
    this.question = question;
  }
}

/** Thrown by `ctx.sleep` to end the attempt until the time has come. A handler lets it pass. */
export class Suspended extends Error {
  readonly ms: number;

  constructor(ms: number) {
    super(`Sleeping for ${ms} ms; the task goes on from here in another attempt.`);
    this.name = "Suspended";
    this.ms = ms;
  }
}

function classesOf(error: Error): readonly string[] {
  const names = new Set([error.name]);
  for (let at: object | null = error; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (at !== error && at !== Object.prototype) names.add(at.constructor.name);
  }
  return [...names];
}

/** What was thrown, as it is stored. Anything can be thrown; what is no error is shown as it prints. */
export function failureOf(thrown: unknown): TaskFailure {
  if (thrown instanceof WaybillError) return plainFailure(thrown.code, cut(thrown.message));
  if (thrown instanceof Error) return { code: "task_failed", name: thrown.name, message: cut(thrown.message) };
  return plainFailure("task_failed", cut(typeof thrown === "string" ? thrown : inspect(thrown)));
}

const cut = (text: string): string => text.slice(0, LONGEST_MESSAGE);

/** What decides about another attempt. */
export const factsOf = (thrown: unknown): FailureFacts => ({
  classes: thrown instanceof Error ? classesOf(thrown) : [],
  terminal: isTerminal(thrown) || (thrown instanceof WaybillError && TERMINAL_CODES.has(thrown.code)),
  retryAfterMs: isRetryable(thrown) ? thrown.afterMs : null,
});

/** Trying again meets the same params, the same definition and the same result. */
const TERMINAL_CODES: ReadonlySet<string> = new Set(["invalid_input", "invalid_result", "task_conflict"]);
