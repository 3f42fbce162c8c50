import assert from "node:assert/strict";
import { it } from "node:test";
import { IntervalSet } from "./build/interval-set.js";

it("joins intervals that touch or overlap", () => {
  const set = new IntervalSet([
    { from: 5, to: 8 },
    { from: 1, to: 3 },
    { from: 3, to: 6 },
  ]);

  assert.deepEqual(set.intervals, [{ from: 1, to: 8 }]);
  assert.equal(set.length, 7);
});

it("keeps a gap, and drops what is empty", () => {
  const set = new IntervalSet([{ from: 1, to: 2 }]).add({ from: 4, to: 4 }).add({ from: 3, to: 5 });

  assert.deepEqual(set.intervals, [
    { from: 1, to: 2 },
    { from: 3, to: 5 },
  ]);
});

it("includes the first number of an interval and not the last", () => {
  const set = new IntervalSet([{ from: 1, to: 3 }]);

  assert.deepEqual(
    [0, 1, 2, 3].map((n) => set.has(n)),
    [false, true, true, false],
  );
});
