import { v7 as uuidv7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { DependencyOutcome } from "../../domain/dependency.js";
import type { Task } from "../../domain/task.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, end, engineLease, failed, submit } from "./given-tasks.js";

export function linkFacts(use: UseBench): void {
  const link = (from: Pick<Task, "id">, to: Pick<Task, "id">, outcome: DependencyOutcome | null = "completed") =>
    use().store.links.link({ from: from.id, to: to.id, kind: "blocks", outcome });
  const discover = (from: Pick<Task, "id">, to: Pick<Task, "id">) =>
    use().store.links.link({ from: from.id, to: to.id, kind: "discovered_from", outcome: null });
  const gateOf = async ({ id }: Pick<Task, "id">) => (await use().store.tasks.getTask(id))?.gate;
  const refusal = async (answer: ReturnType<typeof link>) => {
    const found = await answer;
    return found.granted ? null : found.error;
  };

  describe("links between tasks", () => {
    it("let one wait for another from then on, once however often they are made", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [first, second] = [await submit(store), await submit(store, { priority: 5 })];
      expect([await link(first, second), await link(first, second)]).toEqual([
        { granted: true, value: true },
        { granted: true, value: false },
      ]);
      expect(await gateOf(second)).toBe("dependencies");
      const started = await claim(store, lease);
      expect(started.map(({ id }) => id)).toEqual([first.id]);
      for (const task of started) await end(store, task);
      expect(await gateOf(second)).toBe("open");
      expect(await store.events.readEvents(0, { types: ["task.linked"] }, 9)).toMatchObject([
        { subject: second.id, data: { from: first.id, kind: "blocks" } },
      ]);
    });

    it("end a task that waits for what does not come, also one that is not due or waits for a person", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const asking = await submit(store);
      const question = { state: "waiting", for: "answer", question: "?", author: "a" } as const;
      await end(store, await claimOne(store, lease), question);
      const first = await submit(store);
      const later = await submit(store, { delayMs: 1_000 });
      for (const task of [asking, later]) expect(await link(first, task)).toMatchObject({ granted: true });
      expect([await gateOf(asking), await gateOf(later)]).toEqual(["answer", "dependencies"]);
      await end(store, await claimOne(store, lease), failed());
      for (const { id } of [asking, later]) {
        expect(await store.tasks.getTask(id)).toMatchObject({
          state: "cancelled",
          failure: { code: "dependency_unmet" },
        });
      }
    });

    it("outlast the answer of a person, which queues no task that waits for another", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const asking = await submit(store);
      await end(store, await claimOne(store, lease), { state: "waiting", for: "answer", question: "?", author: "a" });
      const first = await submit(store);
      await link(first, asking);
      await store.notes.answer({ taskId: asking.id, by: "me", text: "yes", accept: false });
      expect(await gateOf(asking)).toBe("dependencies");
      await end(store, await claimOne(store, lease));
      expect(await gateOf(asking)).toBe("open");
    });

    it("take another outcome, which may be met already", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [first, blocker] = [await submit(store), await submit(store, { type: "post" })];
      await end(store, await claimOne(store, lease), failed());
      const second = await submit(store);
      await link(blocker, second);
      await link(blocker, second, "ended");
      expect(await store.tasks.dependenciesOf(second.id)).toEqual([{ id: blocker.id, outcome: "ended" }]);
      expect(await link(first, second, "failed")).toEqual({ granted: true, value: true });
      expect(await gateOf(second)).toBe("dependencies");
      await store.tasks.requestTaskCancel(blocker.id, "me");
      expect(await gateOf(second)).toBe("open");
    });

    it("leave the slot of a key to the next", async () => {
      const { store } = use();
      const [blocker, first, second] = [
        await submit(store),
        await submit(store, { concurrencyKey: "k" }),
        await submit(store, { concurrencyKey: "k" }),
      ];
      expect(await gateOf(second)).toBe("key");
      await link(blocker, first);
      expect(await gateOf(second)).toBe("open");
    });

    it("hold a task again that was retried without waiting", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [first, second] = [await submit(store), await submit(store)];
      await link(first, second, null);
      await end(store, await claimOne(store, lease), failed());
      await store.tasks.retryTask(first.id);
      await store.tasks.retryTask(second.id);
      expect(await gateOf(second)).toBe("open");
      expect(await link(first, second)).toEqual({ granted: true, value: true });
      expect(await gateOf(second)).toBe("dependencies");
    });

    it("are never a circle, which is told with its way", async () => {
      const { store } = use();
      const [a, b, c] = [await submit(store), await submit(store), await submit(store)];
      await link(a, b);
      await link(b, c, "ended");
      const found = await refusal(link(c, a));
      expect(found).toMatchObject({ code: "dependency_cycle", details: { cycle: [c.id, b.id, a.id, c.id] } });
      expect(await refusal(link(a, a))).toMatchObject({ code: "dependency_cycle", details: { cycle: [a.id, a.id] } });
      expect(await refusal(discover(a, a))).toMatchObject({ code: "invalid_input" });
      expect(await gateOf(a)).toBe("open");
      expect(await link(a, c)).toMatchObject({ granted: true });
    });

    it("cannot be a circle either when both halves are made at once", async () => {
      const { store } = use();
      const [a, b] = [await submit(store), await submit(store)];
      const answers = await Promise.all([link(a, b), link(b, a)]);
      expect(answers.filter(({ granted }) => granted)).toHaveLength(1);
    });

    it("are refused for tasks that are unknown, run, have ended or cannot bring what is waited for", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const running = await submit(store);
      const claimed = await claimOne(store, lease);
      const waiting = await submit(store);
      expect(await refusal(link(waiting, running))).toMatchObject({ code: "invalid_state" });
      await end(store, claimed, failed());
      expect(await refusal(link(waiting, running))).toMatchObject({ code: "invalid_state" });
      expect(await refusal(link(running, waiting))).toMatchObject({ code: "invalid_state" });
      const unknown = { id: uuidv7() };
      expect(await refusal(link(unknown, waiting))).toMatchObject({ code: "task_not_found" });
      expect(await refusal(link(waiting, unknown))).toMatchObject({ code: "task_not_found" });
      expect(await gateOf(waiting)).toBe("open");
    });

    it("are told from both sides, and forgotten when that is wished", async () => {
      const { store } = use();
      const [a, b] = [await submit(store), await submit(store)];
      const found = await submit(store, { discoveredFrom: a.id });
      await link(a, b);
      expect(await discover(a, b)).toEqual({ granted: true, value: true });
      expect(await discover(a, b)).toEqual({ granted: true, value: false });
      const blocks = { from: a.id, to: b.id, kind: "blocks", outcome: "completed" } as const;
      const discovered = { from: a.id, to: b.id, kind: "discovered_from", outcome: null } as const;
      const known = await store.links.linksOf(a.id);
      expect(known).toHaveLength(3);
      expect(known).toEqual(expect.arrayContaining([blocks, discovered, { ...discovered, to: found.id }]));
      expect(await store.links.linksOf(b.id)).toEqual([blocks, discovered]);
      expect(await store.links.linksOf(uuidv7())).toEqual([]);
      const gone = [blocks, blocks, discovered, { ...blocks, to: uuidv7() }].map((wish) => store.links.unlink(wish));
      expect(await Promise.all(gone)).toEqual([true, false, true, false]);
      expect(await gateOf(b)).toBe("open");
      expect(await store.links.linksOf(b.id)).toEqual([]);
    });
  });
}
