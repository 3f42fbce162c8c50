import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateRemaining } from "./estimate.js";

const entry = (typicalMs: number | null, elapsedMs = 0) => ({ typicalMs, elapsedMs });

describe("the estimate of what is left", () => {
  it("is unknown without any history and without any slot", () => {
    expect(estimateRemaining([], 1)).toBeNull();
    expect(estimateRemaining([entry(null)], 1)).toBeNull();
    expect(estimateRemaining([entry(100)], 0)).toBeNull();
  });

  it("divides the work by the slots", () => {
    expect(estimateRemaining([entry(100), entry(100), entry(100), entry(100)], 2)).toBe(200);
  });

  it("counts an entry without history as the mean of the others", () => {
    expect(estimateRemaining([entry(100), entry(300), entry(null)], 1)).toBe(600);
  });

  it("takes off what has run, and no more than there was", () => {
    expect(estimateRemaining([entry(100, 40), entry(100, 500)], 1)).toBe(60);
  });

  it("is never shorter than the longest entry, and never longer than all of them in a row", () => {
    const entries = fc.array(
      fc.nat(1_000_000).map((ms) => entry(ms)),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 50 }), (list, slots) => {
        const all = list.map((e) => e.typicalMs ?? 0);
        const left = estimateRemaining(list, slots);
        expect(left).toBeGreaterThanOrEqual(Math.max(...all));
        expect(left).toBeLessThanOrEqual(all.reduce((sum, ms) => sum + ms, 0));
      }),
    );
  });
});
