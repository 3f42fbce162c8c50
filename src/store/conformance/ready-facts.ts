import { v7 as uuidv7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { ReadyFilter } from "../task-store.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, end, engineLease, newTask, submit } from "./given-tasks.js";

export function readyFacts(use: UseBench): void {
  const ready = async (filter: Partial<ReadyFilter> = {}): Promise<string[]> =>
    (await use().store.tasks.listReady({ limit: 50, ...filter })).map(({ id }) => id);

  describe("what is ready", () => {
    it("is what a claim would give, in its order, and nothing that waits", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const plain = await submit(store);
      const urgent = await submit(store, { priority: 3, type: "post" });
      const later = await submit(store, { priority: 9, delayMs: 100 });
      await submit(store, { dependsOn: [{ id: plain.id, outcome: "completed" }] });
      await submit(store, { concurrencyKey: "k", type: "keyed" });
      await submit(store, { concurrencyKey: "k", type: "keyed" });
      const keyed = await ready({ types: ["keyed"] });
      expect(keyed).toHaveLength(1);
      expect(await ready()).toEqual([urgent.id, plain.id, ...keyed]);
      bench.now += 100;
      expect(await ready()).toEqual([later.id, urgent.id, plain.id, ...keyed]);
      expect(await ready({ limit: 2 })).toEqual([later.id, urgent.id]);
      expect(await ready({ types: ["post", "none"] })).toEqual([urgent.id]);
      await store.queues.pauseQueue("post", true);
      expect(await ready()).toEqual([later.id, plain.id, ...keyed]);
      expect((await claim(store, lease, { begin: 2 })).map(({ id }) => id)).toEqual([later.id, plain.id]);
    });

    it("can be asked for by tags, of which a task carries all", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const both = await submit(store, { tags: ["a", "b"] });
      const due = await submit(store, { tags: ["b", "a"], priority: 1, delayMs: 10 });
      await submit(store, { tags: ["a"] });
      await submit(store);
      bench.now += 10;
      expect(await ready({ tags: ["a", "b"] })).toEqual([due.id, both.id]);
      expect(await ready({ tags: ["a", "c"] })).toEqual([]);
      expect(await claim(store, lease, { tags: ["c"] })).toEqual([]);
      const started = await claim(store, lease, { tags: ["a", "b"] });
      expect(started.map(({ id, tags }) => [id, tags])).toEqual([
        [due.id, ["b", "a"]],
        [both.id, ["a", "b"]],
      ]);
      expect(await claim(store, lease, { tags: [] })).toHaveLength(2);
    });

    it("is found by its tags also where thousands carry them", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const tasks = Array.from({ length: 1_100 }, (_, n) => newTask({ tags: n % 2 === 0 ? ["all", "even"] : ["all"] }));
      await store.tasks.submitTasks(tasks);
      const evens = tasks.filter((_, n) => n % 2 === 0).map(({ id }) => id);
      expect(await ready({ tags: ["all"], limit: 3 })).toEqual(tasks.slice(0, 3).map(({ id }) => id));
      const started = await claim(store, lease, { begin: 20, tags: ["even", "all"] });
      expect(started.map(({ id }) => id)).toEqual(evens.slice(0, 20));
    });

    it("is told of more types than one walk can take", async () => {
      const { store } = use();
      const tasks = Array.from({ length: 450 }, (_, n) => newTask({ type: `t-${n}`, priority: n % 450 }));
      await store.tasks.submitTasks(tasks);
      const best = tasks.slice(-5).reverse();
      expect(await ready({ limit: 5 })).toEqual(best.map(({ id }) => id));
    });
  });

  describe("tasks that are submitted all together", () => {
    const on = (...ids: string[]) => ids.map((id) => ({ id, outcome: "completed" as const }));
    const count = async (): Promise<number> => (await use().store.tasks.listTasks({}, { limit: 50 })).length;

    it("may depend on each other in any order, and are answered in theirs", async () => {
      const { store } = use();
      const [a, b, c] = [uuidv7(), uuidv7(), uuidv7()];
      const list = [newTask({ id: c, dependsOn: on(a, b) }), newTask({ id: b, dependsOn: on(a) }), newTask({ id: a })];
      const answers = await store.tasks.submitAll(list);
      expect(answers).toEqual([c, b, a].map((id) => ({ outcome: "created", id })));
      const lease = await engineLease(store);
      for (const id of [a, b, c]) {
        const task = await claimOne(store, lease);
        expect(task.id).toBe(id);
        await end(store, task);
      }
    });

    it("are recorded once however often they are submitted under their own ids", async () => {
      const { store } = use();
      const [a, b] = [uuidv7(), uuidv7()];
      const list = [newTask({ id: b, ownId: true, dependsOn: on(a) }), newTask({ id: a, ownId: true })];
      const twice = await Promise.all([store.tasks.submitAll(list), store.tasks.submitAll(list)]);
      expect(twice.map((answers) => answers.map(({ outcome }) => outcome))).toEqual([
        ["created", "created"],
        ["existing", "existing"],
      ]);
      expect(await count()).toBe(2);
    });

    it("are none of them recorded when one is refused, which is named", async () => {
      const { store } = use();
      const known = await submit(store, { ownId: true });
      const stranger = uuidv7();
      const [other, missing] = [newTask(), newTask({ dependsOn: on(stranger) })];
      await expect(store.tasks.submitAll([other, newTask(), missing])).rejects.toMatchObject({
        code: "task_not_found",
        details: { index: 2, id: missing.id, depends_on: stranger },
      });
      const clash = newTask({ id: known.id, ownId: true, type: "post" });
      await expect(store.tasks.submitAll([clash, other])).rejects.toMatchObject({
        code: "task_conflict",
        details: { index: 0, id: known.id },
      });
      expect(await count()).toBe(1);
      expect(await store.events.readEvents(0, { types: ["task.submitted"] }, 9)).toHaveLength(1);
    });

    it("are none of them recorded when they wait for each other", async () => {
      const { store } = use();
      const [a, b] = [uuidv7(), uuidv7()];
      const list = [newTask(), newTask({ id: a, dependsOn: on(b) }), newTask({ id: b, dependsOn: on(a) })];
      await expect(store.tasks.submitAll(list)).rejects.toMatchObject({
        code: "dependency_cycle",
        details: { cycle: [a, b, a] },
      });
      expect(await count()).toBe(0);
    });
  });
}
