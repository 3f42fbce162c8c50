import { describe, expect, it } from "vitest";
import {
  backoffMs,
  DEFAULT_RETRY,
  defaultRetryDelay,
  type FailureFacts,
  type RetryPolicy,
  retryDelay,
} from "./retry.js";

const failure = (over: Partial<FailureFacts> = {}): FailureFacts => ({
  classes: ["TypeError", "Error"],
  terminal: false,
  retryAfterMs: null,
  ...over,
});
const fixed: RetryPolicy = { maxAttempts: 3, backoff: { kind: "fixed", delayMs: 7 }, byError: {} };

describe("a delay", () => {
  it("is always the same when it is fixed", () => {
    expect([1, 2, 9].map((n) => backoffMs(fixed.backoff, n, 0.9))).toEqual([7, 7, 7]);
  });

  it("grows by its factor up to its limit", () => {
    const backoff = { kind: "exponential", firstMs: 100, factor: 3, maxMs: 1_000, jitter: 0 } as const;
    expect([1, 2, 3, 4].map((n) => backoffMs(backoff, n, 0.5))).toEqual([100, 300, 900, 1_000]);
  });

  it("has whole milliseconds, a fraction rounded up, however often it grew", () => {
    expect(backoffMs({ kind: "fixed", delayMs: 100.2 }, 1, 0)).toBe(101);
    const backoff = { kind: "exponential", firstMs: 0.5, factor: 2, maxMs: 9.5, jitter: 0.1 } as const;
    expect([1, 2, 9_999].map((n) => backoffMs(backoff, n, 0))).toEqual([1, 1, 10]);
    expect(backoffMs({ ...backoff, firstMs: 0 }, 9_999, 0)).toBe(0);
  });

  it("is shortened by chance, at most by its jitter", () => {
    const backoff = { kind: "exponential", firstMs: 100, factor: 2, maxMs: 1_000, jitter: 0.5 } as const;
    expect([0, 0.5, 1].map((random) => backoffMs(backoff, 1, random))).toEqual([100, 75, 50]);
  });
});

describe("a task that failed", () => {
  it("is tried again until its attempts are used up", () => {
    expect([1, 2, 3].map((n) => retryDelay(fixed, failure(), n, null, 0))).toEqual([7, 7, null]);
  });

  it("has as many attempts as its submission asked for", () => {
    expect(retryDelay(fixed, failure(), 3, 4, 0)).toBe(7);
    expect(retryDelay(fixed, failure(), 1, 1, 0)).toBeNull();
  });

  it("is not tried again when the handler said that it is of no use", () => {
    expect(retryDelay(fixed, failure({ terminal: true }), 1, null, 0)).toBeNull();
  });

  it("is tried again when the handler said", () => {
    expect(retryDelay(fixed, failure({ retryAfterMs: 9_000 }), 1, null, 0)).toBe(9_000);
    expect(retryDelay(fixed, failure({ retryAfterMs: 9_000 }), 3, null, 0)).toBeNull();
  });

  it("follows the rule of the nearest class of its error", () => {
    const policy: RetryPolicy = {
      ...fixed,
      byError: {
        Error: { maxAttempts: 9 },
        TypeError: "never",
        RangeError: { backoff: { kind: "fixed", delayMs: 1 } },
      },
    };
    expect(retryDelay(policy, failure(), 1, null, 0)).toBeNull();
    expect(retryDelay(policy, failure({ classes: ["RangeError", "Error"] }), 2, null, 0)).toBe(1);
    expect(retryDelay(policy, failure({ classes: ["RangeError", "Error"] }), 3, null, 0)).toBeNull();
    expect(retryDelay(policy, failure({ classes: ["Odd", "Error"] }), 8, null, 0)).toBe(7);
    expect(retryDelay(policy, failure({ classes: [] }), 3, null, 0)).toBeNull();
    expect(retryDelay(policy, failure({ classes: ["constructor"] }), 1, null, 0)).toBe(7);
  });

  it("is tried three times within seconds when nothing is said", () => {
    expect([1, 2, 3].map((n) => retryDelay(DEFAULT_RETRY, failure(), n, null, 0))).toEqual([1_000, 2_000, null]);
    const delayAfter = (failures: number, maxAttempts: number | null) =>
      defaultRetryDelay({ failures, maxAttempts }, 0);
    expect([delayAfter(0, null), delayAfter(1, null), delayAfter(2, null), delayAfter(0, 1)]).toEqual([
      1_000,
      2_000,
      null,
      null,
    ]);
  });
});
