import { describe, expect, it } from "vitest";
import type { UseBench } from "./bench.js";
import { drive, finished, given } from "./given.js";
import { submit } from "./given-tasks.js";

export function durabilityFacts(use: UseBench): void {
  describe("keeping house", () => {
    it("says what it holds and on what its durability rests", async () => {
      const { store } = use();
      await finished(store);
      const info = await store.info();
      expect(info.rows).toMatchObject({ runs: 1, batches: 0 });
      expect(info.schemaVersion).toBeGreaterThan(0);
      expect(info.sizeBytes).toBeGreaterThan(0);
      expect(Object.keys(info.durability).length).toBeGreaterThan(0);
    });

    it("has a clock of its own", async () => {
      const bench = use();
      bench.now += 5;
      expect(await bench.store.now()).toBe(bench.now);
    });

    it("collects what ended before a time, and nothing that is active or younger", async () => {
      const bench = use();
      const { store } = bench;
      const { batch } = await store.batches.createBatch(given.batch());
      const old = await finished(store, {}, { batchId: batch.id, planEntry: "unit" }, given.outcome({ endedAt: 10 }));
      await store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      const young = await finished(store, {}, {}, given.outcome({ endedAt: bench.now + 10 }));
      const active = await drive(store);
      bench.now += 5;
      const policy = { endedBefore: bench.now, dryRun: true };
      const planned = await store.collectGarbage(policy);
      expect(planned).toMatchObject({ runIds: [old.id], batchIds: [batch.id] });
      expect(await store.runs.getRun(old.id)).not.toBeNull();
      const done = await store.collectGarbage({ ...policy, dryRun: false });
      expect(done).toMatchObject({ runIds: [old.id], batchIds: [batch.id] });
      expect(await store.runs.getRun(old.id)).toBeNull();
      expect(await store.batches.getBatch(batch.id)).toBeNull();
      expect(await store.runs.getRun(young.id)).not.toBeNull();
      expect(await store.runs.getRun(active.run.id)).not.toBeNull();
      const story = await store.events.readEvents(0, { subject: young.id }, 10);
      expect(story).toHaveLength(3);
    });

    it("never collects what is pinned", async () => {
      const { store, now } = use();
      const [pinned, other] = [await finished(store), await finished(store)];
      expect(await store.runs.pinRun(pinned.id, true)).toMatchObject({ id: pinned.id, pinned: true });
      expect(await store.runs.pinRun("unknown", true)).toBeNull();
      const policy = { endedBefore: now, dryRun: false };
      expect((await store.collectGarbage(policy)).runIds).toEqual([other.id]);
      await store.runs.pinRun(pinned.id, false);
      expect((await store.collectGarbage(policy)).runIds).toEqual([pinned.id]);
    });

    it("keeps a batch while it has a run or a queued item", async () => {
      const bench = use();
      const { store } = bench;
      const items = [given.item({ name: "a" }), given.item({ name: "b" })];
      const { batch } = await store.batches.createBatch(given.batch({ items }));
      bench.now += 5;
      const policy = { endedBefore: bench.now, dryRun: false };
      expect((await store.collectGarbage(policy)).batchIds).toEqual([]);
      await store.batches.dispatchItem(batch.id, "a", given.dispatch(), () => given.run());
      await store.batches.cancelBatch(batch.id, "ann");
      expect((await store.collectGarbage(policy)).batchIds).toEqual([]);
      expect(await store.batches.getBatch(batch.id)).not.toBeNull();
    });

    it("collects more than one small transaction's worth", async () => {
      const { store, now } = use();
      await Promise.all(
        Array.from({ length: 600 }, async (_, at) => {
          const outcome = given.failure({ endedAt: 10 });
          const { guard } = await drive(store, { machine: `m${at}` });
          await store.runs.finishRun(guard, outcome, given.artifacts());
        }),
      );
      const report = await store.collectGarbage({ endedBefore: now + 1, dryRun: false });
      expect(report.runIds).toHaveLength(600);
      expect((await store.info()).rows.runs).toBe(0);
    });

    it("forgets everything at a reset but what was refused and which fences were given", async () => {
      const { store } = use();
      const before = await drive(store);
      await store.batches.createBatch(given.batch());
      await submit(store);
      await store.reset();
      expect((await store.info()).rows).toEqual({
        runs: 0,
        tasks: 0,
        batches: 0,
        batch_items: 0,
        leases: 0,
        events: 0,
        variables: 0,
        cache_entries: 0,
        machines: 0,
      });
      const after = await drive(store);
      expect(after.lease.fence).toBeGreaterThan(before.lease.fence);
    });

    it("writes what is waiting before it closes, and nothing afterwards", async () => {
      const { store } = use();
      // Looked at from the start: it may be refused before the other write is done.
      const refused = expect(drive(store)).rejects.toMatchObject({ code: "invalid_state" });
      const writing = store.runs.prepareAtomic(given.dispatch({ machine: "right" }), () => given.run());
      await store.close();
      expect((await writing).outcome).toBe("created");
      await refused;
      await expect(store.runs.getRun("any")).rejects.toMatchObject({ code: "invalid_state" });
      await store.close();
    });
  });
}
