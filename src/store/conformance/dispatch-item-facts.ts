import { describe, expect, it } from "vitest";
import type { Batch } from "../../domain/batch.js";
import type { UseBench } from "./bench.js";
import { drive, given } from "./given.js";

export function dispatchItemFacts(use: UseBench): void {
  const createBatch = async (...names: string[]): Promise<Batch> => {
    const items = names.map((name) => given.item({ name }));
    return (await use().store.batches.createBatch(given.batch({ items }))).batch;
  };

  describe("dispatching an item", () => {
    it("makes the decision and its run together", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      const answer = await store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      expect(answer).toMatchObject({ decided: true, prepared: { outcome: "created" } });
      const [run] = await store.runs.listRuns({ batchId: batch.id }, { limit: 5 });
      expect(run).toMatchObject({ batchId: batch.id, planEntry: "unit" });
      expect((await store.batches.getBatch(batch.id))?.items).toEqual([
        { ...batch.items[0], state: "dispatched", runId: run?.id, machine: "left" },
      ]);
    });

    it("decides once however many try, and the rest learn what was decided", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run()),
        ),
      );
      expect(answers.filter((a) => a.decided)).toHaveLength(1);
      expect(new Set(answers.map((a) => a.item.runId)).size).toBe(1);
      expect(await store.runs.activeRuns()).toHaveLength(1);
    });

    it("writes nothing when the machine is full", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      const holder = await drive(store);
      const before = await store.events.lastSequence();
      const answer = await store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      expect(answer).toMatchObject({ decided: false, reason: "busy", prepared: { run: { id: holder.run.id } } });
      expect(await store.events.lastSequence()).toBe(before);
      expect(await store.batches.getBatch(batch.id)).toEqual(batch);
    });

    it("adopts a run that exists for the entry, ended or not", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      const own = await drive(store, {}, { batchId: batch.id, planEntry: "unit" });
      await store.runs.finishRun(own.guard, given.failure(), given.artifacts());
      const answer = await store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      expect(answer).toMatchObject({ decided: true, item: { runId: own.run.id }, prepared: { outcome: "reuse" } });
    });

    it("can queue for the machine", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      await drive(store);
      const dispatch = given.dispatch({ queue: true });
      const answer = await store.batches.dispatchItem(batch.id, "unit", dispatch, () => given.run());
      expect(answer).toMatchObject({ decided: true, prepared: { outcome: "created", run: { slot: null } } });
    });

    it("does nothing for an item that was cancelled", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      await store.batches.cancelBatch(batch.id, "ann");
      const answer = await store.batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      expect(answer).toMatchObject({ decided: false, reason: "already", item: { errorCode: "cancelled" } });
      expect(await store.runs.activeRuns()).toEqual([]);
    });

    it("refuses an unknown batch or item", async () => {
      const { store } = use();
      const batch = await createBatch("unit");
      for (const [id, name] of [
        ["unknown", "unit"],
        [batch.id, "unknown"],
      ] as const) {
        const answer = store.batches.dispatchItem(id, name, given.dispatch(), () => given.run());
        await expect(answer).rejects.toMatchObject({ code: "batch_not_found" });
      }
    });
  });
}
