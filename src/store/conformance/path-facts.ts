import { v7 as uuidv7 } from "uuid";
import { describe, expect, it } from "vitest";
import { MOST_PATHS, type PathScope, toPathScope } from "../../domain/path-scope.js";
import { QUARANTINE_AFTER, type Task } from "../../domain/task.js";
import { workerLeaseName } from "../../domain/worker.js";
import type { ClaimedTask } from "../attempt-store.js";
import type { Store } from "../store.js";
import type { NewTask } from "../task-store.js";
import type { WorkerRequest } from "../worker-store.js";
import type { UseBench } from "./bench.js";
import { given } from "./given.js";
import {
  claim,
  claimOne,
  end,
  engineLease,
  failed,
  guardOf,
  newTask,
  returned,
  submit,
  succeeded,
} from "./given-tasks.js";

const write = (pattern: string, space?: string): PathScope => toPathScope("write", pattern, space);
const read = (pattern: string, space?: string): PathScope => toPathScope("read", pattern, space);

const worker = (agentId: string): WorkerRequest => ({
  name: workerLeaseName(uuidv7()),
  agentId,
  session: "s",
  kind: "claim",
  types: [],
  workspace: null,
  holder: given.process({ pid: 7 }),
  pid: null,
  ttlMs: 60_000,
});

const ids = (tasks: readonly Pick<Task, "id">[]): string[] => tasks.map(({ id }) => id);

export function pathFacts(use: UseBench): void {
  const gateOf = async ({ id }: Pick<Task, "id">) => {
    const task = await use().store.tasks.getTask(id);
    return task?.state === "queued" ? task.gate : task?.state;
  };
  const claimed = async (...tasks: Partial<NewTask>[]): Promise<readonly ClaimedTask[]> => {
    const { store } = use();
    const lease = await engineLease(store);
    await store.tasks.submitTasks(tasks.map(newTask));
    return await claim(store, lease);
  };
  const claimById = (store: Store, id: string, agent: string, addPaths: readonly PathScope[] = []) =>
    store.workers.claimForWorker({ worker: worker(agent), id, addPaths });

  describe("paths of tasks", () => {
    it.each([
      ["two that write one file", [write("a")], [write("a")], 1],
      ["one that writes what another reads", [read("src/")], [write("src/a")], 1],
      ["two that read one file", [read("a")], [read("a")], 2],
      ["two that write different files", [write("src/*.ts")], [write("src/*.md")], 2],
      ["two in different spaces", [write("**")], [write("**", "web")], 2],
      ["one without paths beside one with all", [write("**")], [], 2],
    ])("let %s run as they may", async (_name, first, second, together) => {
      const started = await claimed({ paths: first }, { paths: second });
      expect(started).toHaveLength(together);
      expect(started[0]?.paths).toEqual(first);
    });

    it("are held by what runs, whoever claims, and are told with who has them", async () => {
      const { store } = use();
      const [lease, other] = [await engineLease(store, 1), await engineLease(store, 2)];
      const first = await submit(store, { paths: [write("src/"), read("docs/")], tags: ["t"] });
      expect(await claimOne(store, lease)).toMatchObject({ tags: ["t"], paths: [read("docs/"), write("src/")] });
      const second = await submit(store, { paths: [write("docs/a.md")] });
      expect(await claim(store, other)).toEqual([]);
      expect(await gateOf(second)).toBe("paths");
      expect(await store.tasks.pathsOf(first.id)).toEqual([read("docs/"), write("src/")]);
      expect(await store.tasks.pathHolders(second.id)).toEqual([
        { taskId: first.id, agentId: null, state: "running", path: read("docs/") },
      ]);
      expect(await store.tasks.pathHolders(first.id)).toEqual([]);
      expect([await store.tasks.pathsOf(uuidv7()), await store.tasks.pathHolders(uuidv7())]).toEqual([[], []]);
    });

    it("hold back one task and not those behind it", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const tasks = ["a", "a", "b", "a", "c"].map((file) => newTask({ paths: [write(file)] }));
      await store.tasks.submitTasks(tasks);
      const started = await claim(store, lease, { begin: 2 });
      expect(ids(started)).toEqual([tasks[0]?.id, tasks[2]?.id]);
    });

    it("are few enough to be compared, or the task is refused", async () => {
      const { store } = use();
      const many = Array.from({ length: MOST_PATHS + 1 }, (_, n) => write(`f${n}`));
      const attempt = store.tasks.submitTasks([newTask({ paths: many })]);
      await expect(attempt).rejects.toMatchObject({ code: "invalid_input" });
      expect(await store.tasks.listTasks({}, { limit: 1 })).toEqual([]);
    });
  });

  describe("a task that waits for paths", () => {
    const endings: readonly (readonly [
      string,
      (store: Store, task: ClaimedTask, owner: { name: string; fence: number }) => unknown,
    ])[] = [
      ["succeeds", (store, task) => end(store, task, succeeded("1"))],
      ["fails", (store, task) => end(store, task, failed())],
      ["fails and is tried later", (store, task) => end(store, task, failed(60_000))],
      ["is given back", (store, task) => end(store, task, returned(null))],
      [
        "is cancelled",
        (store, task) =>
          end(store, task, { state: "cancelled", failure: { code: "cancelled", name: null, message: "" } }),
      ],
      [
        "asks a person",
        (store, task) => end(store, task, { state: "waiting", for: "answer", question: "?", author: "a" }),
      ],
      ["loses its owner", (store, _task, owner) => store.attempts.takeBack(owner, true, QUARANTINE_AFTER)],
      ["is removed", (store, { id }) => store.tasks.removeTask(id)],
      [
        "is taken from its owner",
        (store, { id }) => store.workers.reclaim({ taskId: id, by: "me", reason: "r", force: true }),
      ],
    ];

    it.each(endings)("is queued in the same write when the one that has them %s", async (_name, stop) => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store, { paths: [write("a")], priority: -1 });
      const holder = await claimOne(store, lease);
      const waiting = await submit(store, { paths: [write("a")] });
      const bystander = await submit(store, { paths: [read("b")] });
      expect(ids(await claim(store, lease))).toEqual([bystander.id]);
      const { sequence: before = 0 } = (await store.events.readEvents(0, {}, 100)).at(-1) ?? {};
      await stop(store, holder, lease);
      expect(await gateOf(waiting)).toBe("open");
      const events = await store.events.readEvents(before, { subject: waiting.id }, 10);
      expect(events).toMatchObject([{ type: "task.queued", data: { why: "paths" } }]);
      expect(ids(await claim(store, await engineLease(store, 2), { begin: 1 }))).toEqual([waiting.id]);
    });

    it("is queued when many end at once", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await store.tasks.submitTasks(Array.from({ length: 60 }, (_, n) => newTask({ paths: [write(`f${n}`)] })));
      const holders = await claim(store, lease, { begin: 60 });
      const waiting = await submit(store, { paths: [write("f7"), write("f50")] });
      expect(await claim(store, lease)).toEqual([]);
      await store.attempts.endAttempts(holders.map((task) => ({ guard: guardOf(task), end: succeeded() })));
      expect(ids(await claim(store, lease))).toEqual([waiting.id]);
    });

    it("goes on waiting while the one that has them is handed on", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store, { paths: [write("a")] });
      const guard = guardOf(await claimOne(store, lease));
      const waiting = await submit(store, { paths: [write("a")] });
      await claim(store, lease);
      const answer = await store.workers.handOff({ guard, to: worker("bob"), by: "me", reason: null });
      if (!answer.granted) throw answer.error;
      expect(answer.value.task.paths).toEqual([write("a")]);
      expect(await gateOf(waiting)).toBe("paths");
      expect(await store.tasks.pathHolders(waiting.id)).toMatchObject([{ agentId: "bob" }]);
      await end(store, answer.value.task);
      expect(await gateOf(waiting)).toBe("open");
    });

    it("lets those behind it through when it is cancelled, removed or made to wait for something else", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [holder] = await claimed({ paths: [write("a/x")] });
      for (const leave of [
        ({ id }: Task) => store.tasks.requestTaskCancel(id, "me"),
        ({ id }: Task) => store.tasks.removeTask(id),
        ({ id }: Task) => store.links.link({ from: holder?.id ?? "", to: id, kind: "blocks", outcome: "ended" }),
      ]) {
        const first = await submit(store, { paths: [write("a/")], priority: 1 });
        const behind = await submit(store, { paths: [write("a/y")] });
        expect(await claim(store, lease)).toEqual([]);
        expect(await gateOf(behind)).toBe("paths");
        await leave(first);
        expect(ids(await claim(store, lease))).toEqual([behind.id]);
        await store.tasks.removeTask(behind.id);
      }
    });

    it("does not keep the slot of its key", async () => {
      const started = await claimed(
        { paths: [write("a")] },
        { paths: [write("a")], concurrencyKey: "k" },
        { concurrencyKey: "k" },
      );
      expect(started).toHaveLength(2);
    });

    it("waits in a chain: of a hundred that write one file, each end queues one", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const tasks = Array.from({ length: 100 }, () => newTask({ paths: [write("a")] }));
      await store.tasks.submitTasks(tasks);
      for (const { id } of tasks) {
        const started = await claim(store, lease);
        expect(ids(started)).toEqual([id]);
        for (const task of started) await end(store, task);
      }
      expect(await store.events.readEvents(0, { types: ["task.queued"] }, 1_000)).toHaveLength(99);
    });
  });

  describe("a worker that claims a task", () => {
    it("is told who holds its paths, and finds it free after that", async () => {
      const { store } = use();
      const [one, two] = [
        await submit(store, { paths: [write("src/")] }),
        await submit(store, { paths: [read("src/a")] }),
      ];
      const first = await claimById(store, one.id, "alice");
      if (!first.granted) throw first.error;
      const refused = await claimById(store, two.id, "bob");
      if (refused.granted) throw new Error("it was granted");
      expect(refused.error).toMatchObject({
        code: "paths_conflict",
        retryable: true,
        details: {
          holders: [
            { task_id: one.id, agent_id: "alice", state: "running", mode: "write", space: "", pattern: "src/**" },
          ],
        },
      });
      expect(await claimById(store, two.id, "bob")).toMatchObject({ error: { code: "paths_conflict" } });
      await end(store, first.value.task);
      expect(await claimById(store, two.id, "bob")).toMatchObject({ granted: true });
    });

    it("may name more paths, which it gets with the task or not at all", async () => {
      const { store } = use();
      const [one, two] = [await submit(store), await submit(store, { paths: [read("docs/")] })];
      const first = await claimById(store, one.id, "alice", [write("src/")]);
      if (!first.granted) throw first.error;
      expect(first.value.task.paths).toEqual([write("src/")]);
      expect(await claimById(store, two.id, "bob", [write("src/a")])).toMatchObject({
        error: { code: "paths_conflict", details: { holders: [{ agent_id: "alice" }] } },
      });
      expect(await store.tasks.getTask(two.id)).toMatchObject({ state: "queued", gate: "open" });
      expect(await store.tasks.pathsOf(two.id)).toEqual([read("docs/")]);
      const next = await store.workers.claimForWorker({ worker: worker("bob"), addPaths: [write("src/a")] });
      expect(next).toMatchObject({ error: { code: "paths_conflict" } });
      const second = await claimById(store, two.id, "bob", [write("web/")]);
      expect(second).toMatchObject({ value: { task: { paths: [read("docs/"), write("web/")] } } });
    });
  });
}
