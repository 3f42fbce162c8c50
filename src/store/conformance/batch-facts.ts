import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Item } from "../../domain/batch.js";
import type { UseBench } from "./bench.js";
import { given } from "./given.js";

const names = ["a", "b", "c", "d"];
const queued = names.map((name) => given.item({ name }));

/** The one decision that each item gets in the property below, whoever brings it. */
const decisions: readonly Item[] = queued.map((item, at) =>
  at % 2 === 0
    ? { ...item, state: "dispatched", runId: `run-${item.name}`, machine: "left" }
    : { ...item, state: "skipped", errorCode: "no_matching_machine", errorMsg: "none" },
);

export function batchFacts(use: UseBench): void {
  describe("batches", () => {
    it("are recorded once per plan and staging, whoever comes first", async () => {
      const { store } = use();
      const answers = await Promise.all([1, 2, 3].map(() => store.batches.createBatch(given.batch())));
      expect(answers.map((a) => a.outcome)).toEqual(["created", "existing", "existing"]);
      expect(new Set(answers.map((a) => a.batch.id)).size).toBe(1);
      const other = await store.batches.createBatch(given.batch({ staging: "build-2" }));
      expect(other.outcome).toBe("created");
    });

    it("come back as they were made, items in authored order", async () => {
      const { store, now } = use();
      const items = [
        given.item({
          name: "z",
          selector: { tag: "gpu" },
          spec: { ...given.item().spec, env: { A: { fromEnv: "A" } } },
        }),
        given.item({ name: "a", state: "skipped", errorCode: "no_matching_machine", errorMsg: "none" }),
      ];
      const made = given.batch({ items });
      const { batch } = await store.batches.createBatch(made);
      expect(batch).toEqual({ ...made, createdAt: now, expectedCount: 2, cancelRequestedAt: null });
      expect(await store.batches.getBatch(batch.id)).toEqual(batch);
      expect(await store.batches.findByPlanHashAndStaging("plan-1", "build-1")).toEqual(batch);
      expect(await store.batches.findBatchesByPrefix(batch.id.slice(0, 12), 5)).toEqual([batch]);
      expect(await store.batches.getBatch("unknown")).toBeNull();
      expect(await store.batches.findByPlanHashAndStaging("plan-1", "other")).toBeNull();
    });

    it("are listed newest first, without their items, and paged by key", async () => {
      const { store } = use();
      const ids: string[] = [];
      for (const staging of ["1", "2", "3"]) {
        ids.unshift((await store.batches.createBatch(given.batch({ staging }))).batch.id);
      }
      const page = await store.batches.listBatches({ planHash: "plan-1" }, { limit: 2 });
      expect(page.map((b) => b.id)).toEqual(ids.slice(0, 2));
      expect(page.every((b) => !("items" in b))).toBe(true);
      const rest = await store.batches.listBatches({}, { limit: 2, before: page.at(-1)?.id ?? "" });
      expect(rest.map((b) => b.id)).toEqual(ids.slice(2));
      expect((await store.batches.listBatches({ staging: "2" }, { limit: 9 })).map((b) => b.id)).toEqual([ids[1]]);
    });

    it("with queued items are found until the last is decided", async () => {
      const { store } = use();
      const { batch } = await store.batches.createBatch(given.batch({ items: queued }));
      await store.batches.createBatch(given.batch({ staging: "empty", items: [] }));
      expect((await store.batches.batchesWithQueuedItems()).map((b) => b.id)).toEqual([batch.id]);
      await store.batches.mergeItems(batch.id, decisions);
      expect(await store.batches.batchesWithQueuedItems()).toEqual([]);
    });

    it("keep a decision once it is made, and their metadata always", async () => {
      const { store } = use();
      const { batch } = await store.batches.createBatch(given.batch({ items: queued }));
      await store.batches.mergeItems(batch.id, decisions);
      const contrary = queued.map((item) => ({ ...item, state: "skipped" as const, errorCode: "cancelled" as const }));
      const changed = contrary.map((item) => ({ ...item, dir: "elsewhere" }));
      expect((await store.batches.mergeItems(batch.id, changed))?.items).toEqual(decisions);
      expect((await store.batches.mergeItems(batch.id, queued))?.items).toEqual(decisions);
      expect(await store.batches.mergeItems("unknown", queued)).toBeNull();
      const stranger = given.item({ name: "not in the plan", state: "skipped", errorCode: "cancelled" });
      expect((await store.batches.mergeItems(batch.id, [stranger]))?.items).toEqual(decisions);
    });

    it("end in the same decisions whatever the order, the repeats and the gaps of the snapshots merged", async () => {
      const snapshot = fc.subarray([0, 1, 2, 3]);
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(snapshot, { minLength: 1, maxLength: 8 }), async (snapshots) => {
          const { store } = use();
          round += 1;
          const made = given.batch({ staging: `round-${round}`, items: queued });
          const { batch } = await store.batches.createBatch(made);
          const asSeen = snapshots.map((known) =>
            queued.map((item, at) => (known.includes(at) ? (decisions[at] ?? item) : item)),
          );
          await Promise.all(asSeen.map((items) => store.batches.mergeItems(batch.id, items)));
          const decided = new Set(snapshots.flat());
          const expected = queued.map((item, at) => (decided.has(at) ? decisions[at] : item));
          expect((await store.batches.getBatch(batch.id))?.items).toEqual(expected);
          const events = await store.events.readEvents(0, { subject: batch.id }, 100);
          expect(events).toHaveLength(1 + decided.size);
        }),
        { numRuns: 40 },
      );
    });

    it("are cancelled once: what is queued is skipped, what is decided stays", async () => {
      const bench = use();
      const { batch } = await bench.store.batches.createBatch(given.batch({ items: queued }));
      await bench.store.batches.mergeItems(batch.id, decisions.slice(0, 1));
      const cancelled = await bench.store.batches.cancelBatch(batch.id, "ann");
      expect(cancelled?.items.map((i) => [i.state, i.errorCode])).toEqual([
        ["dispatched", null],
        ["skipped", "cancelled"],
        ["skipped", "cancelled"],
        ["skipped", "cancelled"],
      ]);
      bench.now += 1_000;
      expect(await bench.store.batches.cancelBatch(batch.id, "bob")).toEqual(cancelled);
      expect(await bench.store.batches.cancelBatch("unknown", "ann")).toBeNull();
    });
  });
}
