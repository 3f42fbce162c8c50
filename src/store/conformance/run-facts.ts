import { describe, expect, it } from "vitest";
import { runLeaseName } from "../../domain/lease.js";
import type { Run } from "../../domain/run.js";
import type { UseBench } from "./bench.js";
import { adopt, drive, finished, given } from "./given.js";

export function runFacts(use: UseBench): void {
  describe("placing runs", () => {
    it("creates a pending run in the lowest slot, as it was made, at the store's time", async () => {
      const { store, now } = use();
      const made = given.run({ labels: { team: "a" }, request: given.request({ env: { T: { fromEnv: "T" } } }) });
      const { outcome, run } = await store.runs.prepareAtomic(given.dispatch(), () => made);
      expect(outcome).toBe("created");
      expect(run).toMatchObject({ ...made, status: "pending", slot: 1, attempt: 1, createdAt: now, machine: "left" });
      expect(await store.runs.getRun(run.id)).toEqual(run);
    });

    it("answers with the active run of the same machine and work, without making another", async () => {
      const { store } = use();
      const first = await store.runs.prepareAtomic(given.dispatch(), () => given.run());
      let made = 0;
      const second = await store.runs.prepareAtomic(given.dispatch(), () => {
        made += 1;
        return given.run();
      });
      expect(second).toEqual({ outcome: "reuse", run: first.run });
      expect(made).toBe(0);
    });

    it("makes a new run of the same work once the first has ended", async () => {
      const { store } = use();
      const first = await finished(store, { workHash: "w" });
      const second = await store.runs.prepareAtomic(given.dispatch({ workHash: "w" }), () => given.run());
      expect(second.outcome).toBe("created");
      expect(second.run.id).not.toBe(first.id);
    });

    it("records a run without a slot beside a full machine and those that wait, with its driver's lease", async () => {
      const { store, now } = use();
      const holder = await drive(store);
      const waiting = await store.runs.prepareAtomic(given.dispatch({ workHash: "w", queue: true }), () => given.run());
      const made = { ...given.run({ testDirHash: "" }), kind: "command" as const };
      const driver = { holder: given.process(), purpose: "exec", ttlMs: 1_000 };
      const { run, lease } = await store.runs.createRun("left", driver, () => made);
      expect(run).toMatchObject({ ...made, status: "pending", slot: null, machine: "left", createdAt: now });
      expect(run.workHash).toBe(run.id);
      expect(lease).toMatchObject({ name: runLeaseName(run.id), holder: driver.holder, purpose: "exec" });
      expect(await store.leases.getLease(lease.name)).toEqual(lease);
      const guard = { runId: run.id, attempt: 1, leaseFence: lease.fence };
      expect(await store.runs.startRun(guard, given.start(), null)).toMatchObject({ written: true });
      expect(await store.runs.activeByMachine("left")).toMatchObject([{ id: holder.run.id }]);
      await store.runs.startRun(holder.guard, given.start(), null);
      await store.runs.finishRun(holder.guard, given.outcome(), given.artifacts());
      expect(await store.runs.placeRun(waiting.run.id, 1)).toMatchObject({ slot: 1 });
    });

    it("never gives a slot to a run that needs none, nor lets it keep others waiting", async () => {
      const { store } = use();
      const driver = { holder: given.process(), purpose: "exec", ttlMs: 1_000 };
      const command = () => ({ ...given.run(), kind: "command" as const });
      const { run } = await store.runs.createRun("left", driver, command);
      expect(await store.runs.placeRun(run.id, 1)).toBeNull();
      expect(await store.runs.prepareAtomic(given.dispatch(), () => given.run())).toMatchObject({
        outcome: "created",
        run: { slot: 1 },
      });
      expect(await store.runs.requestCancel(run.id, "ann")).toMatchObject({ status: "pending", slot: null });
    });

    it("says who holds a full machine", async () => {
      const { store } = use();
      const holder = await drive(store, { slots: 2 });
      await drive(store, { slots: 2 });
      const third = await store.runs.prepareAtomic(given.dispatch({ slots: 2, workHash: "w" }), () => given.run());
      expect(third).toEqual({ outcome: "busy", run: holder.run });
      expect(await store.runs.activeByMachine("left")).toHaveLength(2);
    });

    it("queues without a slot when asked to, and places the oldest first", async () => {
      const { store } = use();
      const holder = await drive(store);
      const queue = async (workHash: string): Promise<Run> => {
        const dispatch = given.dispatch({ workHash, queue: true });
        return (await store.runs.prepareAtomic(dispatch, () => given.run())).run;
      };
      const [older, newer] = [await queue("w1"), await queue("w2")];
      expect([older.slot, newer.slot]).toEqual([null, null]);
      expect(await store.runs.placeRun(older.id, 1)).toBeNull();
      await store.runs.finishRun(holder.guard, given.failure(), given.artifacts());
      expect(await store.runs.placeRun(newer.id, 1)).toBeNull();
      expect(await store.runs.placeRun(older.id, 1)).toMatchObject({ id: older.id, slot: 1 });
    });

    it("does not give a freed slot to a newcomer while an older run waits for it", async () => {
      const { store } = use();
      const holder = await drive(store);
      const waiting = await store.runs.prepareAtomic(given.dispatch({ queue: true }), () => given.run());
      await store.runs.finishRun(holder.guard, given.failure(), given.artifacts());
      const newcomer = given.dispatch({ workHash: "late" });
      expect(await store.runs.prepareAtomic(newcomer, () => given.run())).toMatchObject({
        outcome: "busy",
        run: { id: waiting.run.id },
      });
      const queued = await store.runs.prepareAtomic({ ...newcomer, queue: true }, () => given.run());
      expect(queued).toMatchObject({ outcome: "created", run: { slot: null } });
    });

    it("fills the gap that an ended run left, and never more slots than the machine has now", async () => {
      const { store } = use();
      const first = await drive(store, { slots: 2 });
      await drive(store, { slots: 2 });
      await store.runs.finishRun(first.guard, given.failure(), given.artifacts());
      const shrunk = await store.runs.prepareAtomic(given.dispatch({ slots: 1, workHash: "w" }), () => given.run());
      expect(shrunk.outcome).toBe("busy");
      const third = await drive(store, { slots: 2 });
      expect(third.run.slot).toBe(1);
    });

    it("lets one of many concurrent callers create, and the others attach to the same run", async () => {
      const { store } = use();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => store.runs.prepareAtomic(given.dispatch(), () => given.run())),
      );
      expect(answers.filter((a) => a.outcome === "created")).toHaveLength(1);
      expect(new Set(answers.map((a) => a.run.id)).size).toBe(1);
    });

    it("undoes only its own write when making a run throws", async () => {
      const { store } = use();
      const throwing = store.runs.prepareAtomic(given.dispatch({ machine: "a" }), () => {
        throw new Error("cannot make it");
      });
      const neighbour = store.runs.prepareAtomic(given.dispatch({ machine: "b" }), () => given.run());
      await expect(throwing).rejects.toThrow("cannot make it");
      expect((await neighbour).outcome).toBe("created");
      expect(await store.runs.activeRuns()).toHaveLength(1);
    });
  });

  describe("cancelling and removing runs", () => {
    it("ends a run that waits for a slot at once", async () => {
      const { store, now } = use();
      await store.runs.prepareAtomic(given.dispatch(), () => given.run());
      const waiting = given.dispatch({ workHash: "other", queue: true });
      const { run } = await store.runs.prepareAtomic(waiting, () => given.run());
      const cancelled = await store.runs.requestCancel(run.id, "ann");
      expect(cancelled).toMatchObject({ status: "interrupted", errorCode: "cancelled", endedAt: now, slot: null });
      expect((await store.runs.prepareAtomic(waiting, () => given.run())).outcome).toBe("created");
    });

    it("leaves a run with a slot to a driver, even when none has come or its lease is over", async () => {
      const bench = use();
      const { run } = await bench.store.runs.prepareAtomic(given.dispatch(), () => given.run());
      expect(await bench.store.runs.requestCancel(run.id, "ann")).toMatchObject({ status: "pending", slot: 1 });
      const driven = await drive(bench.store, given.dispatch({ machine: "other" }));
      bench.now += 60_000;
      expect(await bench.store.runs.requestCancel(driven.run.id, "ann")).toMatchObject({ status: "pending" });
    });

    it("leaves a driven run to its driver, and notes the wish once", async () => {
      const bench = use();
      const { run } = await drive(bench.store);
      const first = await bench.store.runs.requestCancel(run.id, "ann");
      expect(first).toMatchObject({ status: "pending", cancelRequestedAt: bench.now });
      bench.now += 1_000;
      expect((await bench.store.runs.requestCancel(run.id, "bob"))?.cancelRequestedAt).toBe(first?.cancelRequestedAt);
    });

    it("leaves an ended run as it is", async () => {
      const { store } = use();
      const run = await finished(store);
      expect(await store.runs.requestCancel(run.id, "ann")).toEqual(run);
      expect(await store.runs.requestCancel("unknown", "ann")).toBeNull();
    });

    it("removes an ended run with its events, never an active one", async () => {
      const { store } = use();
      const ended = await finished(store);
      const active = await drive(store);
      expect(await store.runs.removeRun(active.run.id)).toBe(false);
      expect(await store.runs.removeRun(ended.id)).toBe(true);
      expect(await store.runs.removeRun(ended.id)).toBe(false);
      expect(await store.runs.getRun(ended.id)).toBeNull();
      const left = await store.events.readEvents(0, { subject: ended.id }, 10);
      expect(left.map((e) => e.type)).toEqual(["run.removed"]);
    });

    it("gives no fence a second time after a removal", async () => {
      const { store } = use();
      const { guard } = await drive(store);
      await store.runs.finishRun(guard, given.failure(), given.artifacts());
      await store.runs.removeRun(guard.runId);
      const next = await drive(store);
      expect(next.run.fence).toBeGreaterThan(guard.leaseFence);
      expect((await adopt(store, next.run, { pid: 1 })).lease.fence).toBe(next.lease.fence);
    });
  });
}
