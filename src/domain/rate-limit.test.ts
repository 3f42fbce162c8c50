import { describe, expect, it } from "vitest";
import { afterStarts, availableStarts, nextStartAt } from "./rate-limit.js";

const limit = { max: 4, perMs: 1_000 };

describe("a rate of four a second", () => {
  it("lets four begin at once, and no more", () => {
    expect(availableStarts(limit, 0, 5_000, 10)).toBe(4);
    expect(availableStarts(limit, 0, 5_000, 3)).toBe(3);
    expect(availableStarts(limit, afterStarts(limit, 0, 5_000, 4), 5_000, 10)).toBe(0);
  });

  it("lets another begin every quarter of a second", () => {
    const filled = afterStarts(limit, 0, 5_000, 4);
    expect(nextStartAt(limit, filled, 5_000)).toBe(5_250);
    expect([5_249, 5_250, 5_500, 9_000].map((now) => availableStarts(limit, filled, now, 10))).toEqual([0, 1, 2, 4]);
    expect(nextStartAt(limit, filled, 6_000)).toBe(6_000);
  });

  it("gives what is reserved ahead a place one after the other", () => {
    let filled = afterStarts(limit, 0, 0, 4);
    const places = [1, 2, 3].map(() => {
      const at = nextStartAt(limit, filled, 0);
      filled = afterStarts(limit, filled, 0, 1);
      return at;
    });
    expect(places).toEqual([250, 500, 750]);
    expect(availableStarts(limit, filled, 0, 1)).toBe(0);
  });

  it("does not lose a start to fractions", () => {
    const thirds = { max: 3, perMs: 1_000 };
    let filled = 0;
    let now = 1_000;
    for (let n = 0; n < 300; n += 1) {
      expect(availableStarts(thirds, filled, now, 1)).toBe(1);
      filled = afterStarts(thirds, filled, now, 1);
      now = nextStartAt(thirds, filled, now);
    }
    expect(now).toBeLessThanOrEqual(1_000 + 100_000);
  });
});
