import { describe, expect, it } from "vitest";
import type { UseBench } from "./bench.js";
import { drive, finished, given } from "./given.js";

export function eventFacts(use: UseBench): void {
  describe("events", () => {
    it("tell a run's story in order, each at the store's time", async () => {
      const { store, now } = use();
      const run = await finished(store);
      const story = await store.events.readEvents(0, { subject: run.id }, 10);
      expect(story.map((e) => e.type)).toEqual(["run.created", "run.started", "run.finished"]);
      expect(story.every((e) => e.at === now)).toBe(true);
      expect(story[2]?.data).toMatchObject({ status: "completed", exit_code: 0 });
    });

    it("never hold a variable's value", async () => {
      const { store } = use();
      await drive(store, {}, { request: given.request({ env: { TOKEN: "s3cret" } }) });
      expect(JSON.stringify(await store.events.readEvents(0, {}, 100))).not.toContain("s3cret");
    });

    it("are read by cursor, subject, batch and type", async () => {
      const { store } = use();
      const { batch } = await store.batches.createBatch(given.batch());
      await store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      await finished(store, { machine: "right" });
      const all = await store.events.readEvents(0, {}, 100);
      expect(all.map((e) => e.sequence)).toEqual([...all.map((e) => e.sequence)].sort((a, b) => a - b));
      expect(await store.events.lastSequence()).toBe(all.at(-1)?.sequence);
      const third = all[2]?.sequence ?? 0;
      expect(await store.events.readEvents(third, {}, 2)).toEqual(all.slice(3, 5));
      const ofBatch = await store.events.readEvents(0, { batchId: batch.id }, 10);
      expect(ofBatch.map((e) => e.type)).toEqual(["batch.created", "run.created", "batch.item_dispatched"]);
      const finishedOnly = await store.events.readEvents(0, { types: ["run.finished"] }, 10);
      expect(finishedOnly).toHaveLength(1);
      expect(await store.events.readEvents(0, { types: [] }, 10)).toEqual([]);
    });

    it("begin at 0, and their sequence never goes back, not even when all are removed", async () => {
      const { store } = use();
      expect(await store.events.lastSequence()).toBe(0);
      await drive(store);
      const last = await store.events.lastSequence();
      await store.reset();
      await drive(store);
      const [first] = await store.events.readEvents(0, {}, 1);
      expect(first?.sequence).toBeGreaterThan(last);
    });

    it("wake whoever waits for a change", async () => {
      const { store } = use();
      await store.events.waitForChange(0);
      let woken = 0;
      const waits = [1, 2].map(() => store.events.waitForChange(60_000).then(() => (woken += 1)));
      await drive(store);
      await Promise.all(waits);
      expect(woken).toBe(2);
    });

    it("wake nobody late: what was written before the wait ends it at once", async () => {
      const { store } = use();
      await store.events.waitForChange(0);
      await drive(store);
      await store.events.waitForChange(60_000);
      expect(await store.events.lastSequence()).toBeGreaterThan(0);
    });

    it("let go of a wait that is aborted or over", async () => {
      const { store } = use();
      await store.events.waitForChange(0);
      const abort = new AbortController();
      const wait = store.events.waitForChange(60_000, abort.signal);
      abort.abort();
      await wait;
      await store.events.waitForChange(60_000, abort.signal);
      await store.events.waitForChange(5);
      expect(await store.events.lastSequence()).toBe(0);
    });
  });
}
