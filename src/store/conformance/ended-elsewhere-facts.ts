import { describe, expect, it } from "vitest";
import type { UseBench } from "./bench.js";
import { newTask, submit } from "./given-tasks.js";

const completed = { state: "completed", result: '{"done":true}' } as const;
const cancelled = {
  state: "cancelled",
  failure: { code: "cancelled", name: null, message: "Superseded." },
} as const;

export function endedElsewhereFacts(use: UseBench): void {
  describe("a task that was over before it came here", () => {
    it("is recorded as it ended, and is in the feed as others are", async () => {
      const { store, now } = use();
      const done = await submit(store, { ownId: true, ended: completed });
      const not = await submit(store, { ended: cancelled });

      expect(done).toMatchObject({
        state: "completed",
        result: { done: true },
        endedAt: now,
        attempt: 0,
        failure: null,
      });
      expect(not).toMatchObject({ state: "cancelled", failure: cancelled.failure, endedAt: now });
      for (const { id } of [done, not]) {
        const events = await store.events.readEvents(0, { subject: id }, 100);
        expect(events.map(({ type }) => type)).toEqual(["task.submitted", "task.finished"]);
      }
    });

    it("holds back what depends on it no longer, as its end says", async () => {
      const { store } = use();
      const first = newTask({ ended: completed });
      const second = newTask({ ended: cancelled });
      const after = newTask({
        dependsOn: [
          { id: first.id, outcome: "completed" },
          { id: second.id, outcome: "ended" },
        ],
      });
      const unmet = newTask({ dependsOn: [{ id: second.id, outcome: "completed" }] });
      await store.tasks.submitAll([unmet, after, second, first]);

      expect(await store.tasks.getTask(after.id)).toMatchObject({ state: "queued", gate: "open" });
      expect(await store.tasks.getTask(unmet.id)).toMatchObject({ state: "cancelled" });
    });

    it("is claimed by nobody, whenever it was due", async () => {
      const { store, now } = use();
      await submit(store, { ended: completed, runAt: now + 1_000 });

      expect(await store.tasks.listReady({ limit: 10 })).toEqual([]);
      use().now += 10_000;
      expect(await store.tasks.listReady({ limit: 10 })).toEqual([]);
      expect(await store.tasks.taskStats()).toMatchObject([{ states: { completed: 1, queued: 0, scheduled: 0 } }]);
    });
  });
}
