/** Engines among workers: people who answer, names, and tasks that are taken from a handler. */
import { describe, expect, it } from "vitest";
import { workerLeaseName } from "../../src/domain/worker.js";
import { defineTask, NeedsInput, type WaybillError } from "../../src/index.js";
import type { WorkerRequest } from "../../src/store/worker-store.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

/** The parameter of the task that holds the engine's only handler; by then it claims ahead. */
const BLOCKING = 2_000;

const DEAD = { host: "elsewhere", boot: "b", pid: 1, pidStart: "1" };
const claimer = (over: Partial<WorkerRequest> = {}): WorkerRequest => ({
  name: workerLeaseName(crypto.randomUUID()),
  agentId: "ann",
  session: "s",
  kind: "claim",
  types: [],
  workspace: null,
  holder: DEAD,
  pid: null,
  ttlMs: 60_000,
  ...over,
});

const taskIs = (id: string, gate: string) =>
  until(`the task waits for ${gate}`, async () => (await shop.store.tasks.getTask(id))?.gate === gate);

describe("a handler that needs a person", () => {
  it("asks without counting the attempt, and goes on with all answers in another", async () => {
    const seen: string[][] = [];
    const asks = defineTask({
      type: "asks",
      params: anything,
      run: async (_params, ctx) => {
        const answers = await ctx.answers();
        seen.push(answers.map(({ by, text }) => `${by}: ${text}`));
        if (answers.length < 2) throw new NeedsInput(`question ${answers.length + 1}?`);
        return answers.length;
      },
    });
    const engine = await shop.engine([asks]);
    await engine.start();
    const task = await engine.tasks.submit(asks, null);
    const { notes } = shop.store;
    for (const text of ["red", "blue"]) {
      await taskIs(task.id, "answer");
      await notes.addNote({ taskId: task.id, author: "bob", kind: "note", text: "aside" });
      expect(await notes.answer({ taskId: task.id, by: "zoe", text, accept: false })).toMatchObject({ granted: true });
    }
    expect(await task.result()).toBe(2);
    expect(seen).toEqual([[], ["zoe: red"], ["zoe: red", "zoe: blue"]]);
    expect(await engine.tasks.get(task.id)).toMatchObject({ failures: 0, attempt: 3, question: null });
    const counts = { succeeded: 1, failed: 0, waiting: 2, cancelled: 0 };
    await until("all ends are counted", () => engine.status().succeeded === 1);
    expect(engine.status()).toMatchObject(counts);
    const thread = await notes.listNotes(task.id, { after: 0, limit: 20 });
    expect(thread.filter(({ kind }) => kind === "question").map(({ author, text }) => [author, text])).toEqual([
      ["engine", "question 1?"],
      ["engine", "question 2?"],
    ]);
  });
});

describe("an engine that enrols as a worker", () => {
  const enrol = { agentId: "ann@host", session: "s7", kind: "work", workspace: "/src", holder: DEAD } as const;
  const hold = latch();
  const waits = defineTask({ type: "waits", params: anything, concurrency: 3, run: () => hold.promise });

  it("is listed under its names with what it executes, asks under them, and sets no limits of queues", async () => {
    const asks = defineTask({
      type: "asks",
      params: anything,
      run: () => {
        throw new NeedsInput("which?");
      },
    });
    const engine = await shop.engine([waits, asks], { enrol, leaseMs: 60_000 });
    await engine.start();
    const task = await engine.tasks.submit(waits, null);
    const question = await engine.tasks.submit(asks, null);
    await until("it runs", () => engine.status().running === 1);
    await taskIs(question.id, "answer");
    expect(await shop.store.workers.listWorkers()).toMatchObject([
      {
        owner: engine.status().fence,
        agentId: "ann@host",
        session: "s7",
        kind: "work",
        workspace: "/src",
        pid: process.pid,
        types: ["waits", "asks"],
        lease: { holder: DEAD, name: expect.stringMatching(/^worker\//) },
        tasks: [{ id: task.id }],
      },
    ]);
    const thread = await shop.store.notes.listNotes(question.id, { after: 0, limit: 9 });
    expect(thread).toMatchObject([{ author: "ann@host", text: "which?" }]);
    expect(await shop.store.queues.listQueues()).toEqual([]);
    hold.open();
    await task.result();
    await engine.stop();
    expect(await shop.store.workers.listWorkers()).toEqual([]);
  });

  it("claims only what carries its tags", async () => {
    const quick = defineTask({ type: "quick", params: anything, run: () => 1 });
    const engine = await shop.engine([quick], { enrol, tags: ["gpu"] });
    await engine.start();
    const plain = await engine.tasks.submit(quick, null);
    const tagged = await engine.tasks.submit(quick, null, { tags: ["gpu", "x"] });
    expect(await tagged.result()).toBe(1);
    expect(await engine.tasks.get(plain.id)).toMatchObject({ state: "queued" });
  });
});

describe("a task that is taken from a running handler", () => {
  const reasons: unknown[] = [];
  const slow = defineTask({
    type: "slow",
    params: anything,
    run: (_params, { signal, attempt }) =>
      attempt > 1
        ? "done"
        : new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              reasons.push((signal.reason as WaybillError).code);
              reject(signal.reason as Error);
            });
          }),
  });

  it.each(["reclaimed", "handed off"])(
    "when it is %s, ends the handler, whose end is neither recorded nor refused",
    async (how) => {
      reasons.length = 0;
      const engine = await shop.engine([slow], { concurrency: 1 });
      await engine.start();
      const task = await engine.tasks.submit(slow, null);
      const running = () => shop.store.tasks.getTask(task.id);
      await until("it runs", async () => (await running())?.state === "running");
      const fence = (await running())?.fence ?? 0;
      const guard = await shop.store.workers.findGuard(task.id, fence);
      if (guard === null) throw new Error("it does not run");
      if (how === "reclaimed") {
        const wish = { taskId: task.id, by: "ann", reason: "mine", force: true };
        expect(await shop.store.workers.reclaim(wish)).toMatchObject({ granted: true });
        expect(await task.result()).toBe("done");
      } else {
        const answer = await shop.store.workers.handOff({ guard, to: claimer(), by: "ann", reason: null });
        if (!answer.granted) throw answer.error;
        const { id: taskId, sequence, attempt, fence: newFence } = answer.value.task;
        const child = { taskId, sequence, attempt, fence: newFence };
        await until("the handler was told", () => reasons.length === 1);
        await shop.store.attempts.endAttempts([{ guard: child, end: { state: "succeeded", result: '"by ann"' } }]);
        expect(await task.result()).toBe("by ann");
      }
      await until("nothing runs", () => engine.status().running === 0);
      expect(reasons).toEqual(["lease_lost"]);
      expect(engine.status()).toMatchObject({ refused: 0, failed: 0 });
      expect(await shop.store.attempts.readSignals(engine.status().fence ?? 0)).toEqual([]);
    },
  );
});

describe("a task that is taken before its handler has begun", () => {
  it("never begins in the engine that had claimed it ahead", async () => {
    const { store } = shop;
    const [blocked, hold] = [latch(), latch()];
    const begun: string[] = [];
    const quick = defineTask({
      type: "quick",
      params: anything,
      run: async (n, { taskId }) => {
        begun.push(taskId);
        if (n !== BLOCKING) return;
        blocked.open();
        await hold.promise;
      },
    });
    const engine = await shop.engine([quick], { concurrency: 1 });
    await engine.tasks.submitMany(
      quick,
      Array.from({ length: 2 * BLOCKING }, (_, n) => ({ params: n })),
    );
    await engine.start();
    await blocked.promise;
    await until("some are claimed ahead", () => engine.status().claimedAhead > 0);
    await store.queues.pauseQueue("quick", true);
    // The one that runs is the oldest of them: the newest has certainly not begun.
    const [ahead] = await store.tasks.listTasks({ states: ["running"] }, { limit: 1 });
    const taskId = ahead?.id ?? "";
    const claimedAhead = engine.status().claimedAhead;
    const wish = { taskId, by: "ann", reason: "mine", force: true };
    expect(await store.workers.reclaim(wish)).toEqual({ granted: true, value: "queued" });
    await until("the engine let go of it", () => engine.status().claimedAhead === claimedAhead - 1);
    hold.open();
    await until("nothing runs", async () => {
      return (await store.tasks.listTasks({ states: ["running"] }, { limit: 1 })).length === 0;
    });
    expect(begun).not.toContain(taskId);
    expect(await store.tasks.getTask(taskId)).toMatchObject({ state: "queued", attempt: 1 });
    expect(engine.status()).toMatchObject({ refused: 0 });
  });
});

describe("an engine that looks after its store", () => {
  it("takes back the claim of a worker whose time is over, and executes its task", async () => {
    const quick = defineTask({ type: "quick", params: anything, run: () => "mine" });
    const engine = await shop.engine([quick], { leaseMs: 200 });
    const task = await engine.tasks.submit(quick, null);
    const claim = await shop.store.workers.claimForWorker({ worker: claimer({ ttlMs: 50 }), id: task.id });
    expect(claim.granted).toBe(true);
    await engine.start();
    expect(await task.result()).toBe("mine");
    const [lost] = await shop.store.attempts.listAttempts(task.id);
    expect(lost).toMatchObject({ state: "lost" });
  });
});
