import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import { firstIdAt, median, trendOf } from "./history.js";

describe("the median", () => {
  it.each([
    [[], null],
    [[7], 7],
    [[9, 1], 5],
    [[9, 1, 2], 2],
    [[100, 20, 3, 10], 15],
  ])("of %j is %j", (values, middle) => {
    expect(median(values)).toBe(middle);
  });
});

describe("a trend", () => {
  it.each([
    [110, "steady"],
    [111, "slower"],
    [90, "steady"],
    [89, "faster"],
  ])("of %d against a median of 100 is %s", (duration, trend) => {
    expect(trendOf(duration, [1, 100, 5_000])).toBe(trend);
  });

  it("is not told from fewer than three earlier runs", () => {
    expect(trendOf(500, [100, 100])).toBeNull();
    expect(trendOf(500, [])).toBeNull();
  });
});

describe("the first id of a millisecond", () => {
  it("is above every id made before it and below every one made from then on", () => {
    const bound = firstIdAt(1_700_000_000_000);
    expect(v7({ msecs: 1_699_999_999_999 }) < bound).toBe(true);
    expect(v7({ msecs: 1_700_000_000_000 }) > bound).toBe(true);
  });

  it("of a time before the epoch is that of the epoch", () => {
    expect(firstIdAt(-1)).toBe(firstIdAt(0));
  });
});
