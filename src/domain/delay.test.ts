import { describe, expect, it } from "vitest";
import { LONGEST_DELAY_MS, wholeDelay } from "./delay.js";

describe("a delay", () => {
  it("has whole milliseconds, of which it never loses a part", () => {
    expect([0, 1, 0.1, 500.5, LONGEST_DELAY_MS].map(wholeDelay)).toEqual([0, 1, 1, 501, LONGEST_DELAY_MS]);
  });

  it("is a number that some date can be reached by", () => {
    const none = [Number.NaN, Number.POSITIVE_INFINITY, LONGEST_DELAY_MS + 2, "5", null, undefined, 5n];
    expect(none.map(wholeDelay)).toEqual(none.map(() => null));
    expect([-0.1, -1, Number.NEGATIVE_INFINITY].map(wholeDelay)).toEqual([0, 0, 0]);
    expect(Number.isNaN(new Date(Date.now() + LONGEST_DELAY_MS).getTime())).toBe(false);
  });
});
