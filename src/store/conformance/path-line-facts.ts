import { describe, expect, it } from "vitest";
import { TURN_MS } from "../../domain/path-line.js";
import { type PathScope, toPathScope } from "../../domain/path-scope.js";
import type { Task } from "../../domain/task.js";
import type { ClaimedTask } from "../attempt-store.js";
import type { Store } from "../store.js";
import type { NewTask } from "../task-store.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, end, engineLease, newTask, returned, submit, succeeded } from "./given-tasks.js";
import { claimAs } from "./given-workers.js";

const write = (pattern: string): PathScope => toPathScope("write", pattern);
const ids = (tasks: readonly Pick<Task, "id">[]): string[] => tasks.map(({ id }) => id);

export function pathLineFacts(use: UseBench): void {
  const gateOf = async ({ id }: Pick<Task, "id">) => (await use().store.tasks.getTask(id))?.gate;

  describe("the line of those who wait for paths", () => {
    const small = { type: "small", limit: 10 };
    const large = { type: "large", limit: 10 };

    it("lets a task that writes everything run after those that ran when it came, whatever comes later", async () => {
      const { store } = use();
      const [ours, theirs] = [await engineLease(store, 1), await engineLease(store, 2)];
      let files = 0;
      const next = () => {
        files += 1;
        return submit(store, { type: "small", paths: [write(`f${files}`)] });
      };
      for (let n = 0; n < 5; n += 1) await next();
      const running = [...(await claim(store, ours, { types: [small] }))];
      const whole = await submit(store, { type: "large", paths: [write("**")] });
      expect(await claim(store, theirs, { types: [large] })).toEqual([]);
      for (const task of running) {
        await next();
        await end(store, task);
        // The engine that has just ended one asks first, as it does in life.
        expect(await claim(store, ours, { types: [small] })).toEqual([]);
        await claim(store, theirs, { types: [large] }).then((started) => {
          if (task === running.at(-1)) expect(ids(started)).toEqual([whole.id]);
          else expect(started).toEqual([]);
        });
      }
      const fence = (await store.tasks.getTask(whole.id))?.fence ?? 0;
      const guard = await store.workers.findGuard(whole.id, fence);
      if (guard === null) throw new Error("it does not run");
      await store.attempts.endAttempts([{ guard, end: succeeded() }]);
      expect(await claim(store, ours, { types: [small] })).toHaveLength(5);
    });

    it("goes by priority, then age", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store, { paths: [write("a")] });
      const holder = await claimOne(store, lease);
      const late = await submit(store, { paths: [write("a")] });
      const later = await submit(store, { paths: [write("a")] });
      await claim(store, lease);
      const urgent = await submit(store, { paths: [write("a")], priority: 5 });
      await claim(store, lease);
      await end(store, holder);
      for (const expected of [urgent, late, later]) {
        const started = await claim(store, lease);
        expect(ids(started)).toEqual([expected.id]);
        for (const task of started) await end(store, task);
      }
    });

    it("keeps the paths free for a task whose turn it is, for a while, and says when that is over", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const request = { owner: lease, types: [small], begin: 9, ahead: 0 };
      await submit(store, { type: "small", paths: [write("a")] });
      const [holder] = await claim(store, lease, { types: [small] });
      if (holder === undefined) throw new Error("nothing began");
      const whole = await submit(store, { type: "large", paths: [write("**")] });
      await claim(store, lease, { types: [large] });
      const behind = await submit(store, { type: "small", paths: [write("b")] });
      await end(store, holder);
      expect(await store.attempts.claimTasks(request)).toMatchObject({ tasks: [], wakeAt: bench.now + TURN_MS });
      expect(await gateOf(behind)).toBe("paths");
      expect(await store.tasks.pathHolders(behind.id)).toMatchObject([{ taskId: whole.id, state: "waiting" }]);
      // Nobody takes the large one: its queue was paused, say.
      bench.now += TURN_MS;
      expect(ids((await store.attempts.claimTasks(request)).tasks)).toEqual([behind.id]);
      expect(await claim(store, lease, { types: [large] })).toEqual([]);
      expect(await gateOf(whole)).toBe("paths");
    });

    const MANY = 450;
    const givenMany = async (store: Store, priorityOf: (n: number) => number): Promise<readonly NewTask[]> => {
      const tasks = Array.from({ length: MANY }, (_, n) =>
        newTask({ type: "small", priority: priorityOf(n), paths: [write(`f${n}`)] }),
      );
      await store.tasks.submitTasks(tasks);
      return tasks;
    };

    it("lets many through that waited for one task, by priority, then age, and any that is asked for by its id", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      await submit(store, { paths: [write("**")] });
      const whole = await claimOne(store, lease);
      const tasks = await givenMany(store, (n) => n % 2);
      expect(await claim(store, lease, { types: [small], begin: 1 })).toEqual([]);
      expect(await gateOf(tasks.at(-1) ?? whole)).toBe("paths");
      await end(store, whole);
      const last = tasks.at(-2)?.id ?? "";
      expect(await claimAs(store, {}, { id: last })).toMatchObject({ task: { id: last } });
      const types = [{ type: "small", limit: MANY }];
      const first = await store.attempts.claimTasks({ owner: lease, types, begin: 1, ahead: 0 });
      expect(first).toMatchObject({ tasks: [{}], wakeAt: bench.now });
      const begun = ids(first.tasks);
      for (let started: readonly ClaimedTask[] = [whole]; started.length > 0; begun.push(...ids(started))) {
        started = await claim(store, lease, { types, begin: 40 });
      }
      const inOrder = tasks.toSorted((a, b) => b.priority - a.priority).map(({ id }) => id);
      expect(begun).toEqual(inOrder.filter((id) => id !== last));
    });

    it.each([
      ["goes first", 1],
      ["comes after them", -1],
    ])("goes on when a task that many wait for is given back and %s", async (_name, priority) => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store, { priority, paths: [write("**")] });
      const whole = await claimOne(store, lease);
      await givenMany(store, () => 0);
      expect(await claim(store, lease, { types: [small], begin: 1 })).toEqual([]);
      await end(store, whole, returned(null));
      const types = [
        { type: "mail", limit: 1 },
        { type: "small", limit: MANY },
      ];
      const begun: string[] = [];
      for (let round = 0; round < MANY && begun.length <= MANY; round += 1) {
        const started = await claim(store, lease, { types, begin: 40 });
        begun.push(...started.map(({ type }) => type));
        for (const task of started) await end(store, task);
      }
      expect(begun).toHaveLength(MANY + 1);
      expect(begun.indexOf("mail")).toBe(priority === 1 ? 0 : MANY);
    });
  });
}
