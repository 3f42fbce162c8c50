/** What a handler throws to say more than "it failed". What the engine reads from it: `thrown.ts`. */
import { safely } from "./shown.js";

/**
 * What tells these errors from others. A handler's module may have them from another copy of this package than the
 * engine, as when the command line executes it: then they are of other classes, and the mark is the same.
 */
const MARK = Symbol.for("waybill.handler-error");

const isMarked = (thrown: unknown, mark: string): boolean =>
  safely(() => thrown instanceof Error && (thrown as { readonly [MARK]?: unknown })[MARK] === mark, false);

export const isRetryable = (thrown: unknown): thrown is RetryableError => isMarked(thrown, "retryable");
export const isTerminal = (thrown: unknown): boolean => isMarked(thrown, "terminal");
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

export const isSuspended = (thrown: unknown): thrown is Suspended => safely(() => thrown instanceof Suspended, false);
