import { describe, expect, it } from "vitest";
import type { UseBench } from "./bench.js";
import { drive, given } from "./given.js";

export function relocationFacts(use: UseBench): void {
  const right = (slots = 1) => ({ ...given.request().target, name: "right", workDir: "/tmp/right", slots });
  const move = (slots = 1) => ({ target: right(slots), workHash: "work-on-right", reason: "no answer" });
  const eventsOf = async (subject: string) =>
    (await use().store.events.readEvents(0, { subject }, 100)).map((e) => e.type);

  describe("a run that goes to another machine", () => {
    it("moves as it is while the first was never asked to start it", async () => {
      const { store } = use();
      const { run, guard } = await drive(store);
      await store.runs.noteContact(guard, 5_000);
      const answer = await store.relocation.moveRun(guard, move());
      expect(answer).toMatchObject({
        written: true,
        run: { machine: "right", slot: 1, attempt: 1, workHash: "work-on-right", unreachableSince: null },
      });
      expect((await store.runs.getRun(run.id))?.request.target).toEqual(right());
      expect(await store.relocation.listStrays()).toEqual([]);
      expect(await store.runs.activeByMachine("left")).toEqual([]);
      expect(await eventsOf(run.id)).toContain("run.moved");
    });

    it("leaves the attempt that may have started behind, and goes on with the next under a new fence", async () => {
      const bench = use();
      const { store } = bench;
      const { run, guard } = await drive(store);
      expect(await store.relocation.noteStartAsked(guard)).toMatchObject({ run: { startAskedAt: bench.now } });
      const asked = bench.now;
      bench.now += 1_000;
      expect(await store.relocation.noteStartAsked(guard)).toMatchObject({ run: { startAskedAt: asked } });
      const answer = await store.relocation.moveRun(guard, move());
      expect(answer).toMatchObject({ run: { attempt: 2, pid: null, startAskedAt: null } });
      const [stray, ...others] = await store.relocation.straysOf(run.id);
      expect(others).toEqual([]);
      expect(stray).toEqual({
        runId: run.id,
        attempt: 1,
        target: run.request.target,
        leftAt: bench.now,
        outcome: null,
      });
      expect(await store.runs.startRun(guard, given.start(), null)).toMatchObject({ refusal: "stale_fence" });
    });

    it("stays where it is when there is no slot, the same work runs there, or the machine is drained", async () => {
      const { store } = use();
      const { run, guard } = await drive(store);
      await drive(store, { machine: "right", workHash: "other" });
      expect(await store.relocation.moveRun(guard, move())).toEqual({ written: false, refusal: "no_slot" });
      await drive(store, { machine: "right", workHash: "work-on-right", slots: 3 });
      expect(await store.relocation.moveRun(guard, move(3))).toMatchObject({ refusal: "no_slot" });
      await store.machines.drainMachine("right", { by: "tester", reason: "repair" });
      const elsewhere = { ...move(3), workHash: "free" };
      expect(await store.relocation.moveRun(guard, elsewhere)).toMatchObject({ refusal: "no_slot" });
      expect(await store.runs.getRun(run.id)).toMatchObject({ machine: "left", attempt: 1 });
    });

    it("is moved by its driver alone", async () => {
      const { store } = use();
      const { run, guard } = await drive(store);
      const stale = { ...guard, leaseFence: guard.leaseFence + 1 };
      expect(await store.relocation.moveRun(stale, move())).toMatchObject({ refusal: "stale_fence" });
      expect(await store.relocation.noteStartAsked(stale)).toMatchObject({ refusal: "stale_fence" });
      expect(await store.relocation.moveRun({ ...guard, runId: "nobody" }, move())).toMatchObject({
        refusal: "not_found",
      });
      expect((await store.runs.getRun(run.id))?.machine).toBe("left");
    });

    it("is told once how its original ended, until that was acted on", async () => {
      const { store } = use();
      const { run, guard } = await drive(store);
      await store.relocation.noteStartAsked(guard);
      await store.relocation.moveRun(guard, move());
      const outcome = given.outcome();
      expect(await store.relocation.noteReturn(run.id, 1, outcome)).toBe(true);
      expect(await store.relocation.noteReturn(run.id, 1, given.failure())).toBe(false);
      expect(await store.relocation.straysOf(run.id)).toMatchObject([{ outcome }]);
      expect(await eventsOf(run.id)).toContain("run.original_returned");
      await store.relocation.settleStray(run.id, 1);
      expect(await store.relocation.listStrays()).toEqual([]);
      expect(await store.relocation.noteReturn(run.id, 1, outcome)).toBe(false);
    });
  });
}
