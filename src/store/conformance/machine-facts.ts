import { describe, expect, it } from "vitest";
import type { UseBench } from "./bench.js";
import { given } from "./given.js";

const here = { name: "left", targetHash: "place-1" };

export function machineFacts(use: UseBench): void {
  const noteOf = async (name: string) => (await use().store.machines.listMachineNotes()).find((n) => n.name === name);
  const eventsOf = (subject: string) => use().store.events.readEvents(0, { subject }, 100);
  const typesOf = async (subject: string) => (await eventsOf(subject)).map(({ type }) => type);
  const queuedItem = async () => {
    const { batch } = await use().store.batches.createBatch(given.batch({ items: [given.item()] }));
    return batch;
  };

  describe("notes of machines", () => {
    it("say when a machine answered last, and when and how it failed since", async () => {
      const bench = use();
      expect(await bench.store.machines.listMachineNotes()).toEqual([]);
      await bench.store.machines.noteMachineContact(here);
      const answered = bench.now;
      bench.now += 1_000;
      await bench.store.machines.noteMachineFailure(here, "machine_unreachable");
      expect(await noteOf("left")).toEqual({
        name: "left",
        targetHash: "place-1",
        lastContactAt: answered,
        lastFailureAt: bench.now,
        lastErrorCode: "machine_unreachable",
        drain: null,
      });
      bench.now += 1_000;
      await bench.store.machines.noteMachineContact(here);
      expect(await noteOf("left")).toMatchObject({ lastContactAt: bench.now, lastErrorCode: null });
    });

    it("tell changes as events, and write what does not change at most once a minute", async () => {
      const bench = use();
      const { machines } = bench.store;
      await machines.noteMachineContact(here);
      const first = bench.now;
      bench.now += 59_999;
      await machines.noteMachineContact(here);
      expect((await noteOf("left"))?.lastContactAt).toBe(first);
      bench.now += 1;
      await machines.noteMachineContact(here);
      expect((await noteOf("left"))?.lastContactAt).toBe(bench.now);
      await machines.noteMachineFailure(here, "machine_unreachable");
      await machines.noteMachineFailure(here, "machine_unreachable");
      await machines.noteMachineFailure(here, "auth_failed");
      await machines.noteMachineContact(here);
      expect(await typesOf("left")).toEqual([
        "machine.reachable",
        "machine.unreachable",
        "machine.unreachable",
        "machine.reachable",
      ]);
    });

    it("forget the contact with another place of the same name, but not the drain", async () => {
      const { machines } = use().store;
      await machines.noteMachineContact(here);
      await machines.drainMachine("left", { by: "ann", reason: null });
      await machines.noteMachineFailure({ ...here, targetHash: "place-2" }, "machine_unreachable");
      expect(await noteOf("left")).toMatchObject({ targetHash: "place-2", lastContactAt: null, drain: { by: "ann" } });
      await machines.noteMachineContact({ ...here, targetHash: "place-3" });
      expect(await noteOf("left")).toMatchObject({ targetHash: "place-3", lastFailureAt: null, drain: { by: "ann" } });
    });
  });

  describe("a drained machine", () => {
    it("is drained once, by whoever came first, and remembers the latest reason", async () => {
      const bench = use();
      const { machines } = bench.store;
      const at = bench.now;
      expect(await machines.drainMachine("left", { by: "ann", reason: null })).toEqual({ at, by: "ann", reason: null });
      bench.now += 5;
      expect(await machines.drainMachine("left", { by: "bob", reason: "disk" })).toEqual({
        at,
        by: "ann",
        reason: "disk",
      });
      expect(await machines.drainMachine("left", { by: "eve", reason: null })).toEqual({
        at,
        by: "ann",
        reason: "disk",
      });
      expect(await machines.undrainMachine("left", "eve")).toBe(true);
      expect(await machines.undrainMachine("left", "eve")).toBe(false);
      expect(await noteOf("left")).toMatchObject({ drain: null });
      expect((await eventsOf("left")).map(({ type, data }) => [type, data])).toEqual([
        ["machine.drained", { by: "ann", reason: null }],
        ["machine.drained", { by: "bob", reason: "disk" }],
        ["machine.undrained", { by: "eve" }],
      ]);
    });

    it("refuses new work, and says who drained it and why", async () => {
      const { machines, runs } = use().store;
      await machines.drainMachine("left", { by: "ann", reason: "new disk" });
      const refused = runs.prepareAtomic(given.dispatch(), () => given.run());
      await expect(refused).rejects.toMatchObject({
        code: "machine_drained",
        message: "left takes no new work: it is drained by ann (new disk).",
      });
      expect(await runs.activeRuns()).toEqual([]);
      const other = await runs.prepareAtomic(given.dispatch({ machine: "right" }), () => given.run());
      expect(other.run.slot).toBe(1);
    });

    it("lets queued work wait, gives it no slot, and takes it up when it may again", async () => {
      const { machines, runs } = use().store;
      await machines.drainMachine("left", { by: "ann", reason: null });
      const { outcome, run } = await runs.prepareAtomic(given.dispatch({ queue: true }), () => given.run());
      expect([outcome, run.slot]).toEqual(["created", null]);
      expect(await runs.placeRun(run.id, 1)).toBeNull();
      await machines.undrainMachine("left", "ann");
      expect(await runs.placeRun(run.id, 1)).toMatchObject({ slot: 1 });
    });

    it("keeps what runs there, to which the same work attaches", async () => {
      const { machines, runs } = use().store;
      const { run } = await runs.prepareAtomic(given.dispatch(), () => given.run());
      await machines.drainMachine("left", { by: "ann", reason: null });
      expect(await runs.prepareAtomic(given.dispatch(), () => given.run())).toMatchObject({
        outcome: "reuse",
        run: { id: run.id, slot: 1 },
      });
    });

    it("leaves an item queued", async () => {
      const { batches, machines, runs } = use().store;
      const batch = await queuedItem();
      await machines.drainMachine("left", { by: "ann", reason: null });
      const dispatch = () => batches.dispatchItem(batch.id, "unit", given.dispatch(), () => given.run());
      expect(await dispatch()).toMatchObject({ decided: false, reason: "drained", item: { state: "queued" } });
      expect(await runs.activeRuns()).toEqual([]);
      await machines.undrainMachine("left", "ann");
      expect(await dispatch()).toMatchObject({ decided: true, item: { state: "dispatched" } });
    });

    it("lets nothing slip through that is decided at the same time", async () => {
      const { machines, runs } = use().store;
      const submit = (n: number) =>
        runs.prepareAtomic(given.dispatch({ slots: 100, workHash: `w-${n}` }), () => given.run()).catch(() => null);
      const answers = await Promise.all([
        submit(1),
        submit(2),
        machines.drainMachine("left", { by: "ann", reason: null }),
        submit(3),
        submit(4),
      ]);
      expect(answers.map((answer) => answer !== null)).toEqual([true, true, true, false, false]);
    });
  });
}
