import { describe, expect, it } from "vitest";
import type { GcPolicy } from "../store.js";
import type { Bench, UseBench } from "./bench.js";
import { drive, finished, given } from "./given.js";
import { claim, claimOne, end, engineLease, newTask } from "./given-tasks.js";

/** Ended runs, oldest first, each with the end and the log that it is given. */
async function seed(
  { store }: Bench,
  ref: string,
  runs: readonly (readonly [ended: number, log?: number, ok?: boolean])[],
) {
  const ids: string[] = [];
  for (const [endedAt, logBytes = 0, ok = true] of runs) {
    const { run, guard } = await drive(store, { slots: 50 }, { ref });
    await store.runs.startRun(guard, given.start(), null);
    const outcome = ok ? given.outcome({ endedAt }) : given.failure({ endedAt });
    await store.runs.finishRun(guard, outcome, given.artifacts({ logBytes }));
    ids.push(run.id);
  }
  return ids;
}

const limits = (
  over: Partial<Omit<GcPolicy, "retention">>,
  retention: Partial<GcPolicy["retention"]> = {},
): GcPolicy => ({
  endedBefore: 0,
  dryRun: false,
  retention: { runsPerRef: null, logBytes: null, ...retention },
  ...over,
});

export function retentionFacts(use: UseBench): void {
  describe("the retention", () => {
    it("keeps the newest completed run of each ref, however old", async () => {
      const bench = use();
      const [old, newest, failed] = await seed(bench, "x", [[2_000], [3_000], [4_000, 0, false]]);
      const [alone] = await seed(bench, "y", [[2_000]]);
      const report = await bench.store.collectGarbage(limits({ endedBefore: 9_000 }));
      expect(Object.fromEntries(report.reasons)).toEqual({ [`${old}`]: "age", [`${failed}`]: "age" });
      expect(await bench.store.runs.getRun(`${newest}`)).not.toBeNull();
      expect(await bench.store.runs.getRun(`${alone}`)).not.toBeNull();
    });

    it("keeps so many of each ref, and neither counts out what is active nor what is pinned", async () => {
      const bench = use();
      const [pinned, gone, ...kept] = await seed(bench, "x", [[2_000], [2_000], [2_000], [2_000]]);
      await seed(bench, "y", [[2_000], [2_000]]);
      await bench.store.runs.pinRun(`${pinned}`, true);
      const { run } = await drive(bench.store, { slots: 50 }, { ref: "x" });
      const report = await bench.store.collectGarbage(limits({}, { runsPerRef: 3 }));
      expect([...report.reasons]).toEqual([[gone, "count"]]);
      for (const id of [...kept, run.id]) expect(await bench.store.runs.getRun(id)).not.toBeNull();
    });

    it("removes the oldest logs with their runs until all fit", async () => {
      const bench = use();
      const [first, second] = await seed(bench, "x", [
        [2_000, 600],
        [3_000, 300],
        [4_000, 300],
        [5_000, 300],
      ]);
      const { reasons } = await bench.store.collectGarbage(limits({}, { logBytes: 700 }));
      expect([...reasons]).toEqual([
        [first, "log_bytes"],
        [second, "log_bytes"],
      ]);
      expect((await bench.store.collectGarbage(limits({}, { logBytes: 700 }))).runIds).toEqual([]);
    });

    it("tells in a dry run exactly what would go, each for its first reason", async () => {
      const bench = use();
      await seed(bench, "x", [
        [2_000, 100],
        [8_000, 500],
        [8_000, 100],
        [8_000, 100],
      ]);
      await seed(bench, "y", [
        [7_000, 100],
        [7_500, 100],
      ]);
      const policy = limits({ endedBefore: 3_000 }, { runsPerRef: 2, logBytes: 350 });
      const planned = await bench.store.collectGarbage({ ...policy, dryRun: true });
      const done = await bench.store.collectGarbage(policy);
      expect([...planned.reasons.values()]).toEqual(["age", "count", "log_bytes"]);
      expect([...done.reasons]).toEqual([...planned.reasons]);
    });

    it("removes no more at once than it is asked to", async () => {
      const bench = use();
      await seed(bench, "x", [[2_000], [2_000], [2_000], [2_000]]);
      const policy = limits({ endedBefore: 9_000, atMost: 2 });
      expect((await bench.store.collectGarbage(policy)).runIds).toHaveLength(2);
      expect((await bench.store.collectGarbage(policy)).runIds).toHaveLength(1);
    });

    it("is swept by one of all who ask, once in a while", async () => {
      const bench = use();
      const ask = () => Promise.all([1, 2, 3].map(() => bench.store.claimSweep(1_000)));
      expect((await ask()).filter(Boolean)).toHaveLength(1);
      bench.now += 999;
      expect((await ask()).filter(Boolean)).toHaveLength(0);
      bench.now += 1;
      expect((await ask()).filter(Boolean)).toHaveLength(1);
    });

    it("leaves everything when it limits nothing", async () => {
      const bench = use();
      await finished(bench.store);
      expect((await bench.store.collectGarbage(limits({}))).runIds).toEqual([]);
    });

    it("removes tasks that ended long ago with all about them, in chunks, and none that lives", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const types = [{ type: "mail", limit: 2_000 }];
      const old = Array.from({ length: 600 }, () => newTask({ tags: ["x"], concurrencyKey: null }));
      await store.tasks.submitTasks(old);
      for (const task of await claim(store, lease, { types, begin: 2_000 })) await end(store, task);
      bench.now += 1_000;
      await store.tasks.submitTasks([newTask(), newTask()]);
      await end(store, await claimOne(store, lease));
      const policy = limits({ endedBefore: bench.now });
      expect(await store.collectGarbage({ ...policy, dryRun: true })).toMatchObject({ tasks: 600 });
      const [run] = await seed(bench, "x", [[2_000, 0, false]]);
      expect(await store.collectGarbage({ ...policy, only: "tasks" })).toMatchObject({ tasks: 600, runIds: [] });
      expect(await store.runs.getRun(`${run}`)).not.toBeNull();
      expect(await store.events.readEvents(0, { subject: old[0]?.id ?? "", types: ["task.submitted"] }, 9)).toEqual([]);
      expect((await store.info()).rows.tasks).toBe(2);
      expect(await store.tasks.listTasks({ tag: "x" }, { limit: 9 })).toEqual([]);
    });
  });
}
