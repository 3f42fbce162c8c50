import { describe, expect, it } from "vitest";
import type { UseBench } from "./bench.js";
import { claimOne, end, engineLease, failed, guardOf, newTask, submit } from "./given-tasks.js";

export function stepFacts(use: UseBench): void {
  describe("what a running attempt records", () => {
    it("keeps the first result of a step, through attempts, until the task's next run", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const task = await submit(store);
      const step = { name: "a/b", kind: "step", startedAt: 5, result: "1" } as const;
      const first = await claimOne(store, lease);
      expect(await store.steps.recordStep(guardOf(first), step)).toMatchObject({
        written: true,
        value: { result: "1", attempt: 1 },
      });
      await end(store, first, failed(0));
      const second = await claimOne(store, lease);
      expect(await store.steps.recordStep(guardOf(second), { ...step, result: "2" })).toMatchObject({
        value: { result: "1", attempt: 1 },
      });
      await store.steps.recordStep(guardOf(second), { ...step, name: "c", kind: "sleep" });
      expect((await store.steps.listSteps(task.id)).map(({ name, kind }) => [name, kind])).toEqual([
        ["a/b", "step"],
        ["c", "sleep"],
      ]);
      await end(store, second, failed());
      await store.tasks.retryTask(task.id);
      expect(await store.steps.listSteps(task.id)).toEqual([]);
    });

    it("spawns children once, or none of them", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const parent = await submit(store);
      const guard = guardOf(await claimOne(store, lease));
      const children = [newTask({ parentId: parent.id }), newTask({ parentId: parent.id })];
      const first = await store.steps.spawnTasks(guard, { name: "fan" }, children);
      expect(await store.steps.spawnTasks(guard, { name: "fan" }, [newTask()])).toEqual(first);
      const bad = [newTask({ parentId: parent.id }), newTask({ dependsOn: [{ id: "none", outcome: "ended" }] })];
      await expect(store.steps.spawnTasks(guard, { name: "bad" }, bad)).rejects.toMatchObject({
        code: "task_not_found",
      });
      expect(await store.tasks.listTasks({ parentId: parent.id }, { limit: 9 })).toHaveLength(2);
    });

    it("shows its progress and the end of its log", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const task = await submit(store);
      const guard = guardOf(await claimOne(store, lease));
      await store.steps.recordProgress(guard, '{"done":3}');
      await store.steps.appendTaskLog(guard, ["one", "two"]);
      await store.steps.appendTaskLog(guard, ["three"]);
      expect(await store.tasks.getTask(task.id)).toMatchObject({ progress: { done: 3 } });
      const newest = await store.steps.readTaskLog(task.id, 2);
      expect(newest.map(({ line }) => line)).toEqual(["two", "three"]);
      expect(await store.steps.readTaskLog(task.id, 9, newest[0]?.number)).toEqual(newest.slice(1));
    });
  });
}
