import { describe, expect, it } from "vitest";
import { LEASE_TTL_MS } from "../../domain/lease.js";
import { QUARANTINE_AFTER } from "../../domain/task.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, engineLease, guardOf, submit, succeeded } from "./given-tasks.js";
import { claimAs, endClaim, refusalOf, worker } from "./given-workers.js";

const DAY_MS = 86_400_000;

export function workerFacts(use: UseBench): void {
  describe("a worker that enrols", () => {
    it("has a lease under which it claims as engines do, and is listed with what it executes", async () => {
      const { store, now } = use();
      const request = worker({ kind: "work", types: ["mail"], name: "worker/w" });
      const lease = await store.workers.enrol(request);
      expect(lease).toMatchObject({ name: "worker/w", purpose: 'work ["mail"]', expiresAt: now + LEASE_TTL_MS });
      const tasks = [await submit(store), await submit(store)];
      const claimed = await claim(store, lease);
      await store.steps.recordProgress(guardOf(claimed[0] as never), "0.5");
      const engine = await engineLease(store);
      await submit(store, { type: "other" });
      await claim(store, engine, { types: [{ type: "other", limit: 1 }] });
      const [first, second] = await store.workers.listWorkers();
      const { agentId, session, workspace } = request;
      expect(first).toEqual({
        owner: lease.fence,
        lease,
        agentId,
        session,
        kind: "work",
        types: ["mail"],
        workspace,
        pid: 301,
        startedAt: now,
        tasks: claimed.map(({ id, attempt, fence }, n) => {
          return { id, type: "mail", attempt, fence, startedAt: now, progress: n === 0 ? 0.5 : null };
        }),
      });
      expect(first?.tasks.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
      expect(second).toMatchObject({
        owner: engine.fence,
        kind: "engine",
        agentId: null,
        pid: engine.holder.pid,
        tasks: [{ type: "other" }],
      });
    });

    it("is not listed once its lease was given back, and remembered as long as one of its tasks", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await store.workers.enrol(worker({ kind: "work", types: ["mail"] }));
      const idle = await store.workers.enrol(worker({ kind: "work" }));
      const task = await submit(store);
      const claimed = await claimOne(store, lease);
      await store.attempts.endAttempts([{ guard: guardOf(claimed), end: succeeded() }]);
      for (const { name, fence } of [lease, idle]) expect(await store.leases.releaseLease(name, fence)).toBe(true);
      expect(await store.leases.releaseLease(lease.name, lease.fence)).toBe(false);
      expect(await store.workers.listWorkers()).toEqual([]);
      const known = await store.workers.workersByOwner([lease.fence, 999_999]);
      expect([...known.values()]).toMatchObject([{ owner: lease.fence, agentId: "ann@host", leftAt: bench.now }]);
      bench.now += DAY_MS;
      await store.collectGarbage({ endedBefore: bench.now - DAY_MS, dryRun: false });
      expect([...(await store.workers.workersByOwner([lease.fence, idle.fence])).keys()]).toEqual([
        lease.fence,
        idle.fence,
      ]);
      await store.collectGarbage({ endedBefore: bench.now - DAY_MS / 2, dryRun: true });
      expect(await store.workers.workersByOwner([lease.fence, idle.fence])).toHaveProperty("size", 2);
      await store.collectGarbage({ endedBefore: bench.now - DAY_MS / 2, dryRun: false });
      expect(await store.tasks.getTask(task.id)).toBeNull();
      expect(await store.workers.workersByOwner([lease.fence, idle.fence])).toHaveProperty("size", 0);
    });

    it("shares its lease with nobody", async () => {
      const { store } = use();
      const request = worker({ kind: "work" });
      const lease = await store.workers.enrol(request);
      await submit(store);
      await expect(store.workers.enrol(request)).rejects.toMatchObject({ code: "invalid_state" });
      await expect(store.workers.claimForWorker({ worker: request })).rejects.toMatchObject({ code: "invalid_state" });
      expect(await store.workers.listWorkers()).toMatchObject([{ owner: lease.fence, tasks: [] }]);
    });

    it("loses its attempts when its time is over, as an engine does", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await store.workers.enrol(worker({ kind: "work", types: ["mail"] }));
      const task = await submit(store);
      await claimOne(store, lease);
      expect(await store.attempts.takeBack(lease, false, QUARANTINE_AFTER)).toBeNull();
      bench.now += LEASE_TTL_MS;
      expect(await store.attempts.takeBack(lease, false, QUARANTINE_AFTER)).toMatchObject({ queued: 1 });
      const [attempt] = await store.attempts.listAttempts(task.id);
      expect(attempt).toMatchObject({
        state: "lost",
        failure: { message: expect.stringMatching(/^Its worker, process 301 of /) },
      });
      expect(await store.leases.getLease(lease.name)).toBeNull();
    });
  });

  describe("a claim of one task", () => {
    it("gives the next by priority and age, under a lease of its own, in one write", async () => {
      const { store, now } = use();
      await submit(store, { type: "other", priority: 9 });
      await submit(store);
      const urgent = await submit(store, { priority: 5, tags: ["a", "b"] });
      const { task, lease } = await claimAs(store, {}, { types: ["mail"] });
      expect(task).toMatchObject({ id: urgent.id, attempt: 1, params: '{"to":"a"}', tags: ["a", "b"] });
      expect(lease).toMatchObject({ expiresAt: now + LEASE_TTL_MS, purpose: "claim ann@host" });
      expect(await store.tasks.getTask(urgent.id)).toMatchObject({ state: "running", owner: lease.fence });
      expect(task.fence).toBeGreaterThan(lease.fence);
      const any = await claimAs(store);
      expect(any.task.type).toBe("other");
      const events = await store.events.readEvents(0, { types: ["lease.acquired", "task.started"] }, 9);
      expect(events.map(({ subject }) => subject)).toEqual([lease.name, urgent.id, any.lease.name, any.task.id]);
    });

    it("gives the task that is asked for, also one that has just become due", async () => {
      const bench = use();
      const { store } = bench;
      await submit(store, { priority: 9 });
      const wanted = await submit(store, { delayMs: 10 });
      const early = await store.workers.claimForWorker({ worker: worker(), id: wanted.id });
      expect(early).toMatchObject({
        granted: false,
        error: { code: "invalid_state", details: { state: "scheduled" } },
      });
      bench.now += 10;
      expect((await claimAs(store, {}, { id: wanted.id })).task.id).toBe(wanted.id);
    });

    it("takes only a task that carries all tags that are asked for", async () => {
      const { store } = use();
      await submit(store, { tags: ["a"], priority: 1 });
      const both = await submit(store, { tags: ["b", "a"] });
      expect((await claimAs(store, {}, { tags: ["a", "b"] })).task.id).toBe(both.id);
      const none = await store.workers.claimForWorker({ worker: worker(), tags: ["a", "b"] });
      expect(refusalOf(none)).toBe("nothing_to_claim");
    });

    it("writes nothing when there is nothing to claim", async () => {
      const { store } = use();
      await submit(store, { type: "other" });
      const from = await store.events.lastSequence();
      const answer = await store.workers.claimForWorker({ worker: worker(), types: ["mail", "letter"] });
      expect(refusalOf(answer)).toBe("nothing_to_claim");
      expect(await store.events.lastSequence()).toBe(from);
      expect(await store.workers.listWorkers()).toEqual([]);
    });

    it("is refused for a task that does not wait to be claimed, and says what it does", async () => {
      const { store } = use();
      const running = await submit(store);
      await claimAs(store, { agentId: "bob" }, { id: running.id });
      const ended = await submit(store);
      await store.tasks.requestTaskCancel(ended.id, "me");
      const waiting = await submit(store, { dependsOn: [{ id: running.id, outcome: "completed" }] });
      const paused = await submit(store, { type: "paused" });
      await store.queues.pauseQueue("paused", true);
      const before = await store.events.lastSequence();
      const says = async (id: string): Promise<string> => {
        const answer = await store.workers.claimForWorker({ worker: worker(), id });
        return answer.granted ? "granted" : `${answer.error.code}: ${answer.error.message}`;
      };
      expect(await says("none")).toMatch(/^task_not_found/);
      expect(await says(running.id)).toMatch(/^invalid_state.*bob executes it/);
      expect(await says(ended.id)).toMatch(/^invalid_state.*it is cancelled/);
      expect(await says(waiting.id)).toMatch(/^invalid_state.*the end of other tasks/);
      expect(await says(paused.id)).toMatch(/^invalid_state.*the limits of its queue/);
      expect(await store.events.lastSequence()).toBe(before);
      expect(await store.workers.listWorkers()).toHaveLength(1);
    });

    it("holds to the limits of queues and keys as engines do", async () => {
      const { store } = use();
      await store.queues.setQueueLimits([
        { type: "mail", concurrency: 1, keyConcurrency: 1, rate: null, keyRate: null },
      ]);
      const [first, second] = [await submit(store), await submit(store)];
      await claimAs(store, {}, { id: first.id });
      const answers = await Promise.all([
        store.workers.claimForWorker({ worker: worker() }),
        store.workers.claimForWorker({ worker: worker(), id: second.id }),
      ]);
      expect(answers.map(refusalOf)).toEqual(["nothing_to_claim", "invalid_state"]);
      await submit(store, { type: "keyed", concurrencyKey: "k" });
      const behind = await submit(store, { type: "keyed", concurrencyKey: "k" });
      await claimAs(store, {}, { types: ["keyed"] });
      const held = await store.workers.claimForWorker({ worker: worker(), id: behind.id });
      expect(held).toMatchObject({ error: { details: { gate: "key" } } });
    });

    it("gives one task to one of many who ask for it at once", async () => {
      const { store } = use();
      const task = await submit(store);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          store.workers.claimForWorker({
            worker: worker({ agentId: `a${n}` }),
            ...(n % 2 === 0 ? {} : { id: task.id }),
          }),
        ),
      );
      expect(answers.filter(({ granted }) => granted)).toHaveLength(1);
      expect(await store.workers.listWorkers()).toHaveLength(1);
    });
  });

  describe("the lease of a claim", () => {
    it("goes with its attempt, however that ends, and a removed task takes it along", async () => {
      const { store } = use();
      const ends = [
        succeeded("1"),
        { state: "failed", failure: { code: "task_failed", name: null, message: "no" }, retryMs: null },
        { state: "returned", reason: "released", delayMs: 9 },
        { state: "waiting", for: "answer", question: "why?", author: "ann" },
      ] as const;
      for (const how of ends) {
        await submit(store);
        const held = await claimAs(store);
        await store.tasks.requestTaskCancel("none", "me");
        expect(await endClaim(store, held, { end: how })).toMatchObject({ written: true });
        expect(await store.leases.getLease(held.lease.name)).toBeNull();
      }
      const doomed = await submit(store);
      const held = await claimAs(store, {}, { id: doomed.id });
      await store.tasks.removeTask(doomed.id);
      expect(await store.leases.getLease(held.lease.name)).toBeNull();
      expect(await store.attempts.readSignals(held.lease.fence)).toEqual([]);
      expect(await store.workers.listWorkers()).toEqual([]);
    });

    it("leaves the leases of those who go on", async () => {
      const { store } = use();
      const lease = await store.workers.enrol(worker({ kind: "work", types: ["mail"] }));
      await submit(store);
      const claimed = await claimOne(store, lease);
      await store.attempts.endAttempts([{ guard: guardOf(claimed), end: succeeded() }]);
      expect(await store.leases.getLease(lease.name)).toEqual(lease);
    });

    it("lasts longer by every heartbeat, and never shorter", async () => {
      const bench = use();
      const { store } = bench;
      await submit(store);
      const { task, lease } = await claimAs(store);
      const { id: taskId, fence } = task;
      for (let n = 0; n < 10; n += 1) {
        bench.now += LEASE_TTL_MS - 1;
        expect(await store.attempts.takeBack(lease, false, QUARANTINE_AFTER)).toBeNull();
        const beat = await store.workers.heartbeat({ taskId, fence, ttlMs: LEASE_TTL_MS });
        expect(beat).toEqual({ written: true, value: { ...lease, expiresAt: bench.now + LEASE_TTL_MS } });
      }
      const short = await store.workers.heartbeat({ taskId, fence, ttlMs: 1 });
      expect(short).toMatchObject({ value: { expiresAt: bench.now + LEASE_TTL_MS } });
      bench.now += LEASE_TTL_MS;
      expect(await store.attempts.takeBack(lease, false, QUARANTINE_AFTER)).toMatchObject({ queued: 1 });
      const late = await store.workers.heartbeat({ taskId, fence, ttlMs: LEASE_TTL_MS });
      expect(late).toEqual({ written: false, refusal: "stale_fence" });
      expect(await store.staleWritesRefused()).toBe(1);
    });

    it("is not what a heartbeat prolongs of those who keep their lease themselves", async () => {
      const bench = use();
      const { store } = bench;
      await submit(store);
      const lease = await engineLease(store);
      const { id: taskId, fence } = await claimOne(store, lease);
      bench.now += 5;
      const beat = await store.workers.heartbeat({ taskId, fence, ttlMs: LEASE_TTL_MS });
      expect(beat).toEqual({ written: true, value: lease });
    });
  });
}
