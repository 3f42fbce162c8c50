import { describe, expect, it } from "vitest";
import { chooseOccurrences, IN_TIME_MS, MOST_CAUGHT_UP, nextInterval } from "./schedule.js";

describe("what was missed", () => {
  const now = 10 * IN_TIME_MS;
  const due = [IN_TIME_MS, 2 * IN_TIME_MS, 3 * IN_TIME_MS];

  it("is left out, taken up once, or made up for", () => {
    expect(chooseOccurrences(due, "none", now)).toEqual([]);
    expect(chooseOccurrences(due, "latest", now)).toEqual([3 * IN_TIME_MS]);
    expect(chooseOccurrences(due, "all", now)).toEqual(due);
    expect(chooseOccurrences([], "latest", now)).toEqual([]);
  });

  it("is not what is seen a little late", () => {
    expect(chooseOccurrences([1, now - IN_TIME_MS], "none", now)).toEqual([now - IN_TIME_MS]);
  });

  it("is made up for up to a number, the newest first", () => {
    const many = Array.from({ length: MOST_CAUGHT_UP + 5 }, (_, n) => n);
    expect(chooseOccurrences(many, "all", now)).toEqual(many.slice(5));
  });
});

describe("an interval", () => {
  it("keeps in step with its first time", () => {
    expect([99, 100, 149, 150, 1_000].map((now) => nextInterval(50, 100, now))).toEqual([100, 150, 150, 200, 1_050]);
  });
});
