import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchProgress, formatSelector, ITEM_STATES, type Item, mergeItem, parseSelector } from "./batch.js";
import { WAIT_FOR_CONTACT } from "./contact-policy.js";
import type { RunStatus } from "./run.js";

const queued: Item = {
  name: "unit",
  dir: "tests/unit",
  selector: { machine: "left" },
  state: "queued",
  runId: null,
  machine: null,
  errorCode: null,
  errorMsg: null,
  spec: {
    testDirHash: "ab",
    entrypoint: null,
    env: {},
    timeoutMs: null,
    silenceMs: null,
    retries: 0,
    onUnreachable: WAIT_FOR_CONTACT,
  },
};
const dispatched: Item = { ...queued, state: "dispatched", runId: "r1", machine: "left" };
const skipped: Item = { ...queued, state: "skipped", errorCode: "no_matching_machine", errorMsg: "none" };

const anyItem: fc.Arbitrary<Item> = fc
  .record({ state: fc.constantFrom(...ITEM_STATES), run: fc.string(), machine: fc.string() })
  .map(({ state, run, machine }) => {
    if (state === "queued") return queued;
    return state === "skipped" ? skipped : { ...queued, state, runId: run, machine };
  });

describe("a selector", () => {
  it("reads back what it writes", () => {
    const name = fc.string({ minLength: 1 });
    const selector = fc.oneof(fc.record({ machine: name }), fc.record({ tag: name }));
    fc.assert(
      fc.property(selector, (s) => {
        expect(parseSelector(formatSelector(s))).toEqual(s);
      }),
    );
  });

  it("is refused without a kind, without a name and with a kind that nobody knows", () => {
    expect(["left", "machine:", "tag:", "host:left", ""].map(parseSelector)).toEqual([null, null, null, null, null]);
  });
});

describe("merging an item", () => {
  it("keeps the first decision, whatever comes later", () => {
    expect(mergeItem(queued, dispatched)).toEqual(dispatched);
    expect(mergeItem(dispatched, skipped)).toEqual(dispatched);
    expect(mergeItem(skipped, dispatched)).toEqual(skipped);
    expect(mergeItem(dispatched, queued)).toEqual(dispatched);
  });

  it("never takes metadata from the incoming item", () => {
    const renamed = { ...dispatched, name: "other", dir: "elsewhere", selector: { tag: "gpu" } };

    expect(mergeItem(queued, renamed)).toEqual(dispatched);
  });

  it("is idempotent", () => {
    fc.assert(
      fc.property(anyItem, anyItem, (a, b) => {
        const once = mergeItem(a, b);
        expect(mergeItem(once, b)).toEqual(once);
      }),
    );
  });

  it("commutes for writers that made the same decision, with stale copies among them", () => {
    fc.assert(
      fc.property(anyItem, fc.array(fc.boolean()), (decision, whoKnows) => {
        const writes = whoKnows.map((knows) => (knows ? decision : queued));
        const forward = writes.reduce(mergeItem, queued);
        const backward = [...writes].reverse().reduce(mergeItem, queued);
        expect(forward).toEqual(backward);
      }),
    );
  });
});

describe("a batch's progress", () => {
  const runs = (...statuses: RunStatus[]) => new Map(statuses.map((status, i) => [`r${i}`, { status }]));
  const items = (count: number) => Array.from({ length: count }, (_, i) => ({ ...dispatched, runId: `r${i}` }));

  it("counts decisions and outcomes apart", () => {
    const progress = batchProgress([queued, skipped, ...items(3)], runs("completed", "failed", "running"));

    expect(progress).toMatchObject({ total: 5, queued: 1, skipped: 1, done: 3, finished: false, succeeded: false });
    expect(progress.byStatus).toMatchObject({ completed: 1, failed: 1, running: 1, pending: 0 });
  });

  it("is finished and succeeded once every run completed", () => {
    expect(batchProgress(items(2), runs("completed", "completed"))).toMatchObject({ finished: true, succeeded: true });
  });

  it("is finished without success when an item was skipped", () => {
    const progress = batchProgress([skipped, ...items(1)], runs("completed"));

    expect(progress).toMatchObject({ finished: true, succeeded: false });
  });

  it("counts a run that was removed as done", () => {
    expect(batchProgress(items(1), new Map())).toMatchObject({ done: 1, finished: true, succeeded: false });
  });
});
