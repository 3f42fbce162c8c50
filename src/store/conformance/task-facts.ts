import { v7 as uuidv7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { Task } from "../../domain/task.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, end, engineLease, failed, newTask, submit, succeeded } from "./given-tasks.js";

const OWN = "0190163d-8694-739b-aea5-966c26f8ad91";

export function taskFacts(use: UseBench): void {
  const stateOf = async (task: Pick<Task, "id">) => (await use().store.tasks.getTask(task.id))?.state ?? null;

  describe("submitting tasks", () => {
    it("records what was asked for, with defaults", async () => {
      const { store, now } = use();
      const task = await submit(store, { params: '{"to":["a",1,null]}', tags: ["x", "y"], trace: "00-1" });
      expect(task).toMatchObject({ state: "queued", gate: "open", priority: 0, run: 1, attempt: 0, submittedAt: now });
      expect(task).toMatchObject({ params: { to: ["a", 1, null] }, tags: ["x", "y"], trace: "00-1", result: null });
    });

    it("takes a thousand in the order in which they were given, and tells each", async () => {
      const { store } = use();
      const tasks = Array.from({ length: 1_234 }, (_, n) =>
        newTask({ params: String(n), tags: n % 7 === 0 ? ["t"] : [] }),
      );
      const answers = await store.tasks.submitTasks(tasks);
      expect(answers.map(({ outcome, id }) => [outcome, id])).toEqual(tasks.map(({ id }) => ["created", id]));
      const lease = await engineLease(store);
      const claimed = await claim(store, lease, { begin: 2_000, types: [{ type: "mail", limit: 2_000 }] });
      expect(claimed.map(({ params }) => Number(params))).toEqual(tasks.map((_, n) => n));
    });

    it("answers a known id with its task, and refuses other work under it", async () => {
      const { store } = use();
      await submit(store, { id: OWN, ownId: true });
      const again = newTask({ id: OWN, ownId: true });
      const answers = await store.tasks.submitTasks([
        again,
        { ...again, params: "{}" },
        { ...again, type: "post" },
        newTask(),
      ]);
      expect(answers.map(({ outcome }) => outcome)).toEqual(["existing", "refused", "refused", "created"]);
      expect(answers[1]).toMatchObject({ error: { code: "task_conflict" } });
      expect(await store.tasks.listTasks({}, { limit: 10 })).toHaveLength(2);
    });

    it("makes one task of twenty submissions of one id at once", async () => {
      const { store } = use();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.tasks.submitTasks([newTask({ id: OWN, ownId: true })])),
      );
      expect(answers.flat().filter(({ outcome }) => outcome === "created")).toHaveLength(1);
      expect(await store.tasks.listTasks({}, { limit: 10 })).toHaveLength(1);
    });

    it("tries a failed task again when that is asked for, once whoever asks", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store, { id: OWN, ownId: true });
      await end(store, await claimOne(store, lease), failed());
      const again = newTask({ id: OWN, ownId: true, retryEnded: true });
      const answers = await Promise.all([again, again].map((task) => store.tasks.submitTasks([task])));
      expect(answers.flat().map(({ outcome }) => outcome)).toEqual(["retried", "existing"]);
      expect(await store.tasks.getTask(OWN)).toMatchObject({ state: "queued", run: 2, failures: 0, failure: null });
    });

    it("lets a unique key stand for one task as long as its scope says", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const outcomes = async (...scopes: readonly ("waiting" | "active" | { forMs: number })[]) => {
        const answers = await store.tasks.submitTasks(scopes.map((scope) => newTask({ unique: { key: "k", scope } })));
        return answers.map(({ outcome }) => outcome);
      };
      expect(await outcomes("waiting", "waiting", "active")).toEqual(["created", "duplicate", "duplicate"]);
      const first = await claimOne(store, lease);
      expect(await outcomes("active", "waiting", "waiting")).toEqual(["duplicate", "created", "duplicate"]);
      await end(store, first);
      await end(store, await claimOne(store, lease));
      bench.now += 100;
      expect(await outcomes({ forMs: 101 }, { forMs: 100 })).toEqual(["duplicate", "created"]);
      expect(
        await store.tasks.submitTasks([newTask({ type: "post", unique: { key: "k", scope: "active" } })]),
      ).toMatchObject([{ outcome: "created" }]);
    });
  });

  describe("tasks that depend on others", () => {
    it("wait for the last of them, also when they were given together", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const parts = Array.from({ length: 3 }, () => newTask());
      const join = newTask({ dependsOn: parts.map(({ id }) => ({ id, outcome: "completed" })) });
      await store.tasks.submitTasks([...parts, join]);
      const claimed = await claim(store, lease);
      expect(claimed.map(({ id }) => id)).toEqual(parts.map(({ id }) => id));
      for (const task of claimed) {
        expect(await claim(store, lease)).toEqual([]);
        await end(store, task);
      }
      expect((await claim(store, lease)).map(({ id }) => id)).toEqual([join.id]);
      expect(await store.tasks.dependenciesOf(join.id)).toHaveLength(3);
    });

    it("are cancelled, down the chain, when what they wait for ends otherwise", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const first = await submit(store);
      const second = await submit(store, { dependsOn: [{ id: first.id, outcome: "completed" }] });
      const third = await submit(store, { dependsOn: [{ id: second.id, outcome: "completed" }] });
      const rescue = await submit(store, { dependsOn: [{ id: first.id, outcome: "failed" }] });
      const anyway = await submit(store, { dependsOn: [{ id: third.id, outcome: "ended" }] });
      await end(store, await claimOne(store, lease), failed());
      expect(await Promise.all([second, third, rescue, anyway].map(stateOf))).toEqual([
        "cancelled",
        "cancelled",
        "queued",
        "queued",
      ]);
      expect(await store.tasks.getTask(third.id)).toMatchObject({ failure: { code: "dependency_unmet" } });
      expect(await claim(store, lease)).toHaveLength(2);
    });

    it("learn of what had ended, or is removed, and are refused when it never was", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const done = await submit(store);
      await end(store, await claimOne(store, lease));
      const ready = await submit(store, { dependsOn: [{ id: done.id, outcome: "completed" }] });
      const never = await submit(store, { dependsOn: [{ id: done.id, outcome: "failed" }] });
      expect([ready.gate, never.state]).toEqual(["open", "cancelled"]);
      const other = await submit(store, { delayMs: 1_000 });
      const waits = await submit(store, { dependsOn: [{ id: other.id, outcome: "completed" }] });
      await store.tasks.removeTask(other.id);
      expect(await stateOf(waits)).toBe("cancelled");
      const [refused] = await store.tasks.submitTasks([newTask({ dependsOn: [{ id: uuidv7(), outcome: "ended" }] })]);
      expect(refused).toMatchObject({ outcome: "refused", error: { code: "task_not_found" } });
    });

    it("wait for their time besides", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const first = await submit(store);
      const second = await submit(store, { delayMs: 500, dependsOn: [{ id: first.id, outcome: "completed" }] });
      const third = await submit(store, { delayMs: 500, dependsOn: [{ id: second.id, outcome: "completed" }] });
      await end(store, await claimOne(store, lease));
      expect(await claim(store, lease)).toEqual([]);
      bench.now += 500;
      expect((await claim(store, lease)).map(({ id }) => id)).toEqual([second.id]);
      expect(await store.tasks.getTask(third.id)).toMatchObject({ state: "queued", gate: "dependencies" });
    });
  });

  describe("ending tasks from outside", () => {
    it("cancels what waits at once, and says so to whoever runs it", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const running = await submit(store);
      const claimed = await claimOne(store, lease);
      const waiting = await submit(store, { delayMs: 1_000 });
      expect(await store.tasks.requestTaskCancel(waiting.id, "me")).toMatchObject({
        state: "cancelled",
        failure: { code: "cancelled" },
      });
      expect(await store.tasks.requestTaskCancel(running.id, "me")).toMatchObject({ state: "running" });
      await store.tasks.requestTaskCancel(running.id, "me");
      expect(await store.attempts.readSignals(lease.fence)).toEqual([{ fence: claimed.fence, signal: "cancel" }]);
      expect(await end(store, claimed, failed(1_000))).toEqual({ written: true, value: "cancelled" });
      expect(await store.attempts.readSignals(lease.fence)).toEqual([]);
      expect(await store.tasks.requestTaskCancel(uuidv7(), "me")).toBeNull();
    });

    it("keeps the success of a task that was asked to end, and leaves what has ended", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const task = await submit(store);
      const claimed = await claimOne(store, lease);
      await store.tasks.requestTaskCancel(task.id, "me");
      expect(await end(store, claimed, succeeded("1"))).toMatchObject({ value: "completed" });
      expect(await store.tasks.requestTaskCancel(task.id, "me")).toMatchObject({ state: "completed", result: 1 });
      expect(await store.attempts.readSignals(lease.fence)).toEqual([]);
    });

    it("removes a running task, which its attempt can never bring back", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store, { id: OWN, ownId: true });
      const claimed = await claimOne(store, lease);
      expect(await store.tasks.removeTask(OWN)).toBe(true);
      expect(await store.tasks.removeTask(OWN)).toBe(false);
      expect(await store.attempts.readSignals(lease.fence)).toEqual([{ fence: claimed.fence, signal: "removed" }]);
      expect(await end(store, claimed)).toEqual({ written: false, refusal: "not_found" });
      await submit(store, { id: OWN, ownId: true });
      expect(await end(store, claimed)).toEqual({ written: false, refusal: "stale_fence" });
      expect(await store.tasks.getTask(OWN)).toMatchObject({ state: "queued", attempt: 0 });
      await store.attempts.clearSignals(lease.fence, [claimed.fence]);
      expect(await store.attempts.readSignals(lease.fence)).toEqual([]);
    });

    it("queues what has failed again, one or all of a type", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      for (let n = 0; n < 3; n += 1) await submit(store);
      await submit(store, { type: "post" });
      const types = ["mail", "post"].map((type) => ({ type, limit: 10 }));
      for (const task of await claim(store, lease, { types })) await end(store, task, failed());
      const dead = await store.tasks.listTasks({ states: ["failed"] }, { limit: 10 });
      expect(dead).toHaveLength(4);
      expect(await store.tasks.retryTask(dead[0]?.id ?? "")).toMatchObject({ state: "queued", run: 2 });
      expect(await store.tasks.retryTask(dead[0]?.id ?? "")).toBeNull();
      const first = await store.tasks.retryFailed(["mail"], 0, 2);
      expect(first.retried).toBe(2);
      expect(await store.tasks.retryFailed(["mail"], first.next ?? 0, 2)).toEqual({ retried: 1, next: null });
      expect(await store.tasks.retryFailed(null, 0, 100)).toEqual({ retried: 0, next: null });
    });

    it("goes past what has failed again since it was queued", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      for (let n = 0; n < 3; n += 1) await submit(store);
      const failAll = async (): Promise<void> => {
        for (const task of await claim(store, lease)) await end(store, task, failed());
      };
      await failAll();
      const first = await store.tasks.retryFailed(null, 0, 1);
      await failAll();
      const second = await store.tasks.retryFailed(null, first.next ?? 0, 5);
      expect([first.retried, second]).toEqual([1, { retried: 2, next: null }]);
    });
  });

  describe("reading tasks", () => {
    it("lists them newest first, by page and by every part of the filter", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const parent = await submit(store);
      const a = await submit(store, { tags: ["x"], parentId: parent.id });
      const b = await submit(store, { type: "post", tags: ["x", "y"] });
      const c = await submit(store, { delayMs: 1_000, tags: ["y"], parentId: parent.id });
      await claimOne(store, lease);
      const ids = async (...args: Parameters<typeof store.tasks.listTasks>) =>
        (await store.tasks.listTasks(...args)).map(({ id }) => id);
      expect(await ids({}, { limit: 3 })).toEqual([c.id, b.id, a.id]);
      expect(await ids({}, { limit: 3, before: a.id })).toEqual([parent.id]);
      expect(await ids({ states: ["queued", "scheduled"] }, { limit: 9 })).toEqual([c.id, b.id, a.id]);
      expect(await ids({ states: ["queued"], types: ["mail"] }, { limit: 9 })).toEqual([a.id]);
      expect(await ids({ types: ["mail", "post", "none"] }, { limit: 2, before: c.id })).toEqual([b.id, a.id]);
      expect(await ids({ tag: "x" }, { limit: 9 })).toEqual([b.id, a.id]);
      expect(await ids({ tag: "x", types: ["post"], states: ["queued"] }, { limit: 9, before: c.id })).toEqual([b.id]);
      expect(await ids({ parentId: parent.id, tag: "y" }, { limit: 9 })).toEqual([c.id]);
      expect(await ids({ states: [] }, { limit: 9 })).toEqual([]);
      expect(await ids({ types: [] }, { limit: 9 })).toEqual([]);
      expect(await ids({}, { limit: 9, before: uuidv7() })).toEqual([]);
      const many = Array.from({ length: 600 }, (_, n) => `type-${n}`);
      expect(await ids({ types: [...many, "post"], states: ["queued"] }, { limit: 9 })).toEqual([b.id]);
    });

    it("counts them by type and state, and knows the oldest that waits", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const since = bench.now;
      await submit(store);
      await submit(store, { type: "post" });
      bench.now += 10;
      await submit(store);
      expect(await store.tasks.taskStats()).toMatchObject([
        { type: "mail", states: { queued: 2, completed: 0 }, oldestQueuedAt: since },
        { type: "post", states: { queued: 1 }, oldestQueuedAt: since },
      ]);
      for (const task of await claim(store, lease)) await end(store, task);
      expect((await store.tasks.taskStats())[0]).toMatchObject({
        states: { queued: 0, completed: 2 },
        oldestQueuedAt: null,
      });
    });

    it("finds them by prefix and by ids, and says which have ended", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [a, b] = [await submit(store, { id: OWN, ownId: true }), await submit(store)];
      await end(store, await claimOne(store, lease));
      expect((await store.tasks.findTasksByPrefix(OWN.slice(0, 13), 5)).map(({ id }) => id)).toEqual([OWN]);
      expect([...(await store.tasks.getTasks([b.id, "none", a.id])).keys()].sort()).toEqual([a.id, b.id].sort());
      expect(await store.tasks.endedAmong([a.id, b.id, "none"])).toEqual([a.id, "none"]);
      expect(await store.tasks.getTask("none")).toBeNull();
    });
  });
}
