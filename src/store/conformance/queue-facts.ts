import { describe, expect, it } from "vitest";
import type { QueueLimits } from "../queue-store.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, end, engineLease, failed, newTask, submit } from "./given-tasks.js";

const limits = (over: Partial<QueueLimits> = {}): QueueLimits => ({
  type: "mail",
  concurrency: null,
  keyConcurrency: 1,
  rate: null,
  keyRate: null,
  ...over,
});

export function queueFacts(use: UseBench): void {
  const many = (count: number, over = {}) =>
    use().store.tasks.submitTasks(Array.from({ length: count }, () => newTask(over)));

  describe("the queue of a type", () => {
    it("gives nothing while it is paused, and takes submissions", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      expect(await store.queues.pauseQueue("mail", true)).toMatchObject({ type: "mail", paused: true });
      await submit(store);
      expect(await claim(store, lease)).toEqual([]);
      expect(await store.queues.pauseQueue("mail", false)).toMatchObject({ paused: false });
      expect(await claim(store, lease)).toHaveLength(1);
    });

    it("runs as many at once as it may, over all engines", async () => {
      const { store } = use();
      const [a, b] = [await engineLease(store, 1), await engineLease(store, 2)];
      await store.queues.setQueueLimits([limits({ concurrency: 3 })]);
      await many(6);
      const first = await claim(store, a, { begin: 2 });
      expect([first.length, (await claim(store, b)).length, (await claim(store, b)).length]).toEqual([2, 1, 0]);
      for (const task of first) await end(store, task);
      expect(await claim(store, b)).toHaveLength(2);
    });

    it("runs as many of a key at once as it may, by priority and age, whatever waits besides", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await store.queues.setQueueLimits([limits({ keyConcurrency: 2 })]);
      await many(5, { concurrencyKey: "k" });
      const urgent = await submit(store, { concurrencyKey: "k", priority: 5 });
      await submit(store, { concurrencyKey: "other" });
      const claimed = await claim(store, lease);
      expect(claimed).toHaveLength(3);
      expect(urgent.gate).toBe("key");
      const [first] = claimed;
      if (first !== undefined) await end(store, first, failed(1_000));
      expect((await claim(store, lease)).map(({ id }) => id)).toEqual([urgent.id]);
      await store.queues.setQueueLimits([limits({ keyConcurrency: 4 })]);
      expect(await claim(store, lease)).toHaveLength(2);
    });

    it("gives the slot of a key back whatever ends its task", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      await many(4, { concurrencyKey: "k" });
      const one = await claimOne(store, lease);
      await store.tasks.removeTask(one.id);
      const two = await claimOne(store, lease);
      await store.attempts.takeBack(lease, true, 3);
      const heir = await engineLease(store, 2);
      const again = await claimOne(store, heir);
      expect(again.id).toBe(two.id);
      await end(store, again);
      const [next] = await store.tasks.listTasks({ states: ["queued"] }, { limit: 1 });
      expect(next?.gate).toBe("key");
      const third = await claimOne(store, heir);
      await store.tasks.requestTaskCancel(third.id, "me");
      await end(store, third, failed());
      expect(await claim(store, heir)).toHaveLength(1);
    });

    it("begins as often as its rate lets it, over all engines", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      await store.queues.setQueueLimits([limits({ rate: { max: 2, perMs: 1_000 } })]);
      await many(5);
      const ask = () =>
        store.attempts.claimTasks({ owner: lease, types: [{ type: "mail", limit: 9 }], begin: 9, ahead: 0 });
      expect(await ask()).toMatchObject({ tasks: [{}, {}], wakeAt: bench.now + 500 });
      bench.now += 499;
      expect((await ask()).tasks).toEqual([]);
      bench.now += 1;
      expect((await ask()).tasks).toHaveLength(1);
    });

    it("gives each task of a key its place in the rate of that key, and lets other keys pass", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      await store.queues.setQueueLimits([limits({ keyConcurrency: 10, keyRate: { max: 1, perMs: 100 } })]);
      await many(3, { concurrencyKey: "k" });
      await many(1, { concurrencyKey: "other" });
      expect(await claim(store, lease)).toHaveLength(2);
      expect(await store.tasks.listTasks({ states: ["scheduled"] }, { limit: 9 })).toMatchObject([
        { runAt: bench.now + 200 },
        { runAt: bench.now + 100 },
      ]);
      bench.now += 100;
      expect(await claim(store, lease)).toHaveLength(1);
      bench.now += 100;
      expect(await claim(store, lease)).toHaveLength(1);
    });

    it("gives as many as are wanted although the rate of a key holds some back", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await store.queues.setQueueLimits([limits({ keyConcurrency: 10, keyRate: { max: 1, perMs: 100 } })]);
      await many(3, { concurrencyKey: "k" });
      await many(2, { concurrencyKey: "other" });
      expect(await claim(store, lease, { begin: 2 })).toHaveLength(2);
    });

    it("is known once something is set", async () => {
      const { store } = use();
      await store.queues.setQueueLimits([limits(), limits({ type: "post", rate: { max: 1, perMs: 5 } })]);
      expect(await store.queues.listQueues()).toEqual([
        { ...limits({ type: "post", rate: { max: 1, perMs: 5 } }), paused: false, nextStartAt: null },
      ]);
    });

    it("says when its rate lets the next attempt begin", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      await store.queues.setQueueLimits([limits({ rate: { max: 1, perMs: 1_000 } })]);
      await submit(store);
      expect(await claim(store, lease)).toHaveLength(1);

      expect(await store.queues.listQueues()).toMatchObject([{ nextStartAt: bench.now + 1_000 }]);
    });
  });
}
