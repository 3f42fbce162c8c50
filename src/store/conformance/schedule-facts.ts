import { describe, expect, it } from "vitest";
import type { Firing, NewSchedule } from "../schedule-store.js";
import type { UseBench } from "./bench.js";
import { claimOne, end, engineLease, newTask } from "./given-tasks.js";

export function scheduleFacts(use: UseBench): void {
  const schedule = (over: Partial<NewSchedule> = {}): NewSchedule => ({
    name: "nightly",
    type: "mail",
    params: { to: "all" },
    rhythm: { kind: "interval", everyMs: 1_000 },
    catchUp: "latest",
    overlap: "allow",
    nextAt: use().now + 1_000,
    ...over,
  });
  const firing = (dueAt: number, over: Partial<Firing> = {}): Firing => ({
    name: "nightly",
    dueAt,
    nextAt: dueAt + 1_000,
    tasks: [{ at: dueAt, task: newTask({ schedule: "nightly" }) }],
    ...over,
  });

  describe("a schedule", () => {
    it("is due when its time has come, and is fired once, whoever sees it", async () => {
      const bench = use();
      const { store } = bench;
      await store.schedules.setSchedules([schedule()]);
      const at = bench.now + 1_000;
      expect([await store.schedules.dueSchedules(9), await store.schedules.nextScheduleAt()]).toEqual([[], at]);
      bench.now = at;
      expect(await store.schedules.dueSchedules(9)).toMatchObject([
        { name: "nightly", nextAt: at, params: { to: "all" } },
      ]);
      const fired = await Promise.all([firing(at), firing(at)].map((f) => store.schedules.fireSchedule(f)));
      expect(fired).toEqual([true, false]);
      const tasks = await store.tasks.listTasks({}, { limit: 9 });
      expect(tasks).toMatchObject([{ schedule: "nightly" }]);
      expect(await store.schedules.listSchedules()).toMatchObject([
        { lastAt: at, lastTaskId: tasks[0]?.id, nextAt: at + 1_000 },
      ]);
    });

    it("keeps its place in time when it is set again, until its rhythm changes", async () => {
      const bench = use();
      const { store } = bench;
      const first = schedule();
      await store.schedules.setSchedules([first]);
      await store.schedules.setSchedules([schedule({ nextAt: bench.now + 77, overlap: "skip" })]);
      expect(await store.schedules.listSchedules()).toMatchObject([{ nextAt: first.nextAt, overlap: "skip" }]);
      await store.schedules.setSchedules([
        schedule({ rhythm: { kind: "interval", everyMs: 5 }, nextAt: bench.now + 5 }),
      ]);
      expect(await store.schedules.nextScheduleAt()).toBe(bench.now + 5);
    });

    it("leaves a time out while the task before has not ended, when it may not overlap", async () => {
      const bench = use();
      const { store } = bench;
      await store.schedules.setSchedules([schedule({ overlap: "skip", nextAt: bench.now })]);
      const at = bench.now;
      const later = [at, at + 1].map((t) => ({ at: t, task: newTask({ schedule: "nightly" }) }));
      await store.schedules.fireSchedule(firing(at, { tasks: later }));
      expect(await store.tasks.listTasks({}, { limit: 9 })).toHaveLength(1);
      const lease = await engineLease(store);
      await end(store, await claimOne(store, lease));
      await store.schedules.fireSchedule(firing(at + 1_000));
      expect(await store.tasks.listTasks({}, { limit: 9 })).toHaveLength(2);
    });

    it("rests while it is paused, and can be removed", async () => {
      const bench = use();
      const { store } = bench;
      await store.schedules.setSchedules([schedule({ nextAt: bench.now })]);
      expect(await store.schedules.pauseSchedule("nightly", true)).toMatchObject({ paused: true });
      expect([await store.schedules.dueSchedules(9), await store.schedules.nextScheduleAt()]).toEqual([[], null]);
      expect(await store.schedules.fireSchedule(firing(bench.now))).toBe(false);
      expect(await store.schedules.pauseSchedule("none", true)).toBeNull();
      expect([
        await store.schedules.removeSchedule("nightly"),
        await store.schedules.removeSchedule("nightly"),
      ]).toEqual([true, false]);
    });
  });
}
