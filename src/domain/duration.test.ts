import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeDuration, formatDuration, isDuration, parseDuration } from "./duration.js";

describe("a duration", () => {
  it("reads units alone and together", () => {
    expect(["500ms", "90s", "30m", "2h", "2d", "1h30m", "1.5s", "0s"].map(parseDuration)).toEqual([
      500, 90_000, 1_800_000, 7_200_000, 172_800_000, 5_400_000, 1_500, 0,
    ]);
  });

  it("is refused without a unit, with white space, signs, unknown units, and when it is too large to count", () => {
    const wrong = ["", "90", "1 h", "-1s", "+1s", "1w", "1h30", "s", "1e3s", "9".repeat(30).concat("d")];

    expect(wrong.map(parseDuration)).toEqual(wrong.map(() => null));
  });

  it("has its form also when it is too large to count", () => {
    const texts = ["9".repeat(30).concat("d"), "1h30m", "1.5s", "", "90", "1h30", "-1s"];

    expect(texts.map(isDuration)).toEqual([true, true, true, false, false, false, false]);
  });

  it("reads back exactly what it writes", () => {
    const ms = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(ms, (n) => {
        expect(parseDuration(formatDuration(n))).toBe(n);
      }),
    );
  });

  it("is written without parts that are zero", () => {
    expect([0, 1, 60_000, 5_400_000, 86_400_001].map(formatDuration)).toEqual(["0s", "1ms", "1m", "1h30m", "1d1ms"]);
  });
});

describe("a described duration", () => {
  it("shows what matters at its size", () => {
    expect([83, 4_200, 187_000, 7_500_000].map(describeDuration)).toEqual(["83 ms", "4.2 s", "3 m 07 s", "2 h 05 m"]);
  });

  it("carries over at the edges instead of showing 60 s, 60 m or 1000 ms", () => {
    const edges = [999.6, 59_949, 59_950, 3_599_499, 3_599_500, 7_199_999];

    expect(edges.map(describeDuration)).toEqual(["1.0 s", "59.9 s", "1 m 00 s", "59 m 59 s", "1 h 00 m", "2 h 00 m"]);
  });
});
