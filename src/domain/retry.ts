/** When a task that failed is tried again. Chance comes in as an argument, so that every decision can be repeated. */

/** Delays in milliseconds. Exponential: `firstMs * factor ^ (failures - 1)`, at most `maxMs`, less up to `jitter` of itself. */
export type Backoff =
  | { readonly kind: "fixed"; readonly delayMs: number }
  | {
      readonly kind: "exponential";
      readonly firstMs: number;
      readonly factor: number;
      readonly maxMs: number;
      /** 0: none. 1: anything between nothing and the whole delay. */
      readonly jitter: number;
    };

export interface RetryRule {
  /** How many attempts may fail before the task does; the first counts. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
}

export interface RetryPolicy extends RetryRule {
  /** By the name of the error's class or of one it extends, the nearest first: `never`, or what differs. */
  readonly byError: Readonly<Record<string, "never" | Partial<RetryRule>>>;
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 3,
  backoff: { kind: "exponential", firstMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: 0.5 },
  byError: {},
};

/** What is known of a failure when the decision is made. */
export interface FailureFacts {
  /** The names of the error's classes, its own first. */
  readonly classes: readonly string[];
  /** The handler said that trying again is of no use. */
  readonly terminal: boolean;
  /** The handler said when to try again. */
  readonly retryAfterMs: number | null;
}

/**
 * @param failures how many attempts have failed, this one included; @param random in [0, 1).
 * @returns whole milliseconds, a fraction rounded up
 */
export function backoffMs(backoff: Backoff, failures: number, random: number): number {
  if (backoff.kind === "fixed") return Math.ceil(backoff.delayMs);
  const { firstMs, factor, maxMs, jitter } = backoff;
  // The factor's power may be endless, and nothing times endless is no number.
  const whole = firstMs === 0 ? 0 : Math.min(maxMs, firstMs * factor ** (failures - 1));
  return Math.ceil(whole * (1 - jitter * random));
}

/** The rule for an error of these classes; null for one that is never tried again. */
function ruleFor(policy: RetryPolicy, classes: readonly string[]): RetryRule | null {
  const name = classes.find((known) => Object.hasOwn(policy.byError, known));
  const special = name === undefined ? undefined : policy.byError[name];
  if (special === "never") return null;
  return { maxAttempts: special?.maxAttempts ?? policy.maxAttempts, backoff: special?.backoff ?? policy.backoff };
}

/**
 * @param maxAttempts what the submission asked for, which goes before the policy; null when it asked for nothing
 * @returns the delay before the next attempt in milliseconds; null when there is none
 */
export function retryDelay(
  policy: RetryPolicy,
  failure: FailureFacts,
  failures: number,
  maxAttempts: number | null,
  random: number,
): number | null {
  if (failure.terminal) return null;
  const rule = ruleFor(policy, failure.classes);
  if (rule === null || failures >= (maxAttempts ?? rule.maxAttempts)) return null;
  return failure.retryAfterMs ?? backoffMs(rule.backoff, failures, random);
}

/** What is known of a task when the attempt that runs fails. */
interface Tried {
  readonly failures: number;
  readonly maxAttempts: number | null;
}

/** The same where nobody knows the policy of the type: the default one holds, unless the submission said how often. */
export const defaultRetryDelay = ({ failures, maxAttempts }: Tried, random: number): number | null =>
  retryDelay(DEFAULT_RETRY, { classes: [], terminal: false, retryAfterMs: null }, failures + 1, maxAttempts, random);
