import { describe, expect, it } from "vitest";
import { LEASE_TTL_MS } from "../../domain/lease.js";
import type { UseBench } from "./bench.js";
import { claim, claimOne, engineLease, guardOf, submit, succeeded } from "./given-tasks.js";
import { claimAs, endClaim, had, refusalOf, worker } from "./given-workers.js";

/** What becomes of a running task that changes hands. */
export function ownerChangeFacts(use: UseBench): void {
  describe("the guard of a running attempt", () => {
    it("is found by the task and the fence, and by no other fence", async () => {
      const { store } = use();
      await submit(store);
      const { task } = await claimAs(store);
      expect(await store.workers.findGuard(task.id, task.fence)).toEqual(guardOf(task));
      expect(await store.workers.findGuard(task.id, task.fence - 1)).toBeNull();
      expect(await store.workers.findGuard("none", task.fence)).toBeNull();
    });
  });

  describe("a hand-off", () => {
    it("gives a running task to another under a new fence, in one write, and nothing hangs on an end", async () => {
      const bench = use();
      const { store } = bench;
      const task = await submit(store, { concurrencyKey: "k" });
      const next = await submit(store, { concurrencyKey: "k" });
      const parent = await claimAs(store, { agentId: "parent" }, { id: task.id });
      bench.now += 5;
      const handed = { guard: guardOf(parent.task), to: worker({ agentId: "child" }), by: "parent", reason: "yours" };
      const child = had(await store.workers.handOff(handed));
      expect(child.task).toMatchObject({ id: task.id, attempt: 2, run: 1 });
      expect(child.task.fence).toBeGreaterThan(parent.task.fence);
      expect(await store.tasks.getTask(task.id)).toMatchObject({
        state: "running",
        owner: child.lease.fence,
        startedAt: bench.now,
        failures: 0,
        crashes: 0,
      });
      expect(await store.tasks.getTask(next.id)).toMatchObject({ gate: "key" });
      expect(await store.attempts.listAttempts(task.id)).toMatchObject([
        { attempt: 1, state: "cancelled", returned: "handed_off", owner: parent.lease.fence },
        { attempt: 2, state: "running" },
      ]);
      expect(await store.leases.getLease(parent.lease.name)).toBeNull();
      expect(await endClaim(store, parent, { end: succeeded() })).toMatchObject({ refusal: "stale_fence" });
      const story = await store.events.readEvents(0, { subject: task.id }, 20);
      expect(story.map(({ type }) => type)).toEqual([
        "task.submitted",
        "task.started",
        "task.handed_off",
        "task.noted",
        "task.started",
        "write.refused",
      ]);
      expect(story[2]?.data).toMatchObject({ by: "parent", to: "child", reason: "yours", fence: parent.task.fence });
      expect(await endClaim(store, child, { end: succeeded() })).toMatchObject({ value: "completed" });
      expect(await store.tasks.getTask(next.id)).toMatchObject({ gate: "open" });
    });

    it("tells an owner that has more to do, and passes on the wish that the task ends", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store);
      const claimed = await claimOne(store, lease);
      await store.tasks.requestTaskCancel(claimed.id, "me");
      const handed = { guard: guardOf(claimed), to: worker(), by: "me", reason: null };
      const child = had(await store.workers.handOff(handed));
      expect(await store.attempts.readSignals(lease.fence)).toEqual([{ fence: claimed.fence, signal: "superseded" }]);
      expect(await store.attempts.readSignals(child.lease.fence)).toEqual([
        { fence: child.task.fence, signal: "cancel" },
      ]);
      expect(await store.leases.getLease(lease.name)).toEqual(lease);
      expect(await store.notes.listNotes(claimed.id, { after: 0, limit: 9 })).toEqual([]);
    });

    it("changes nothing when the attempt is not the running one, but counts the try", async () => {
      const { store } = use();
      await submit(store);
      const held = await claimAs(store);
      const guard = { ...guardOf(held.task), fence: held.task.fence + 1 };
      const answer = await store.workers.handOff({ guard, to: worker(), by: "me", reason: null });
      expect(refusalOf(answer)).toBe("stale_write");
      expect(await store.tasks.getTask(held.task.id)).toMatchObject({ owner: held.lease.fence, attempt: 1 });
      expect(await store.workers.listWorkers()).toHaveLength(1);
      expect(await store.staleWritesRefused()).toBe(1);
    });

    it("is refused when the new owner wants paths that another task holds", async () => {
      const { store } = use();
      const path = { mode: "write", space: "", pattern: "src/**" } as const;
      const holder = await submit(store, { paths: [path] });
      await claimAs(store, { agentId: "bob" }, { id: holder.id });
      const task = await submit(store);
      const held = await claimAs(store, {}, { id: task.id });
      const handed = { guard: guardOf(held.task), to: worker(), by: "me", reason: null, addPaths: [path] };
      const answer = await store.workers.handOff(handed);
      expect(answer).toMatchObject({
        error: { code: "paths_conflict", details: { holders: [{ task_id: holder.id, agent_id: "bob" }] } },
      });
      expect(await store.tasks.getTask(task.id)).toMatchObject({ attempt: 1, owner: held.lease.fence });
      const free = { ...path, pattern: "docs/**" };
      const child = had(await store.workers.handOff({ ...handed, addPaths: [free] }));
      expect(child.task.paths).toEqual([free]);
    });
  });

  describe("a reclaim", () => {
    const wish = { by: "ann", reason: "gone home", force: false };

    it("is refused while the owner's lease is live, and done by force, with a trace of who and why", async () => {
      const { store } = use();
      const task = await submit(store);
      const held = await claimAs(store, { agentId: "bob" });
      const refused = await store.workers.reclaim({ taskId: task.id, ...wish });
      expect(refused).toMatchObject({ error: { code: "worker_live", details: { agent_id: "bob", pid: 301 } } });
      expect(await store.attempts.confirmAttempt(guardOf(held.task))).toMatchObject({ written: true });
      expect(had(await store.workers.reclaim({ taskId: task.id, ...wish, force: true }))).toBe("queued");
      expect(await store.tasks.getTask(task.id)).toMatchObject({ state: "queued", failures: 0, crashes: 0 });
      expect(await store.attempts.listAttempts(task.id)).toMatchObject([{ state: "cancelled", returned: "reclaimed" }]);
      expect(await store.leases.getLease(held.lease.name)).toBeNull();
      const [told] = await store.events.readEvents(0, { types: ["task.reclaimed"] }, 9);
      expect(told?.data).toMatchObject({ by: "ann", reason: "gone home", fence: held.task.fence, live: true });
      expect(await store.notes.listNotes(task.id, { after: 0, limit: 9 })).toMatchObject([
        { author: "ann", kind: "notice", text: "Reclaimed: gone home", attempt: 1 },
      ]);
      expect(await endClaim(store, held, { end: succeeded() })).toMatchObject({ refusal: "stale_fence" });
    });

    it("needs no force once the lease is over, or its holder is proved dead", async () => {
      const bench = use();
      const { store } = bench;
      const task = await submit(store);
      const first = await claimAs(store);
      const dead = { taskId: task.id, ...wish, provedDeadOwner: first.lease.fence };
      expect(refusalOf(await store.workers.reclaim({ ...dead, provedDeadOwner: first.lease.fence + 1 }))).toBe(
        "worker_live",
      );
      expect(had(await store.workers.reclaim(dead))).toBe("queued");
      await claimAs(store);
      bench.now += LEASE_TTL_MS;
      expect(had(await store.workers.reclaim({ taskId: task.id, ...wish }))).toBe("queued");
    });

    it("takes one attempt from an engine, which is told, and leaves it the others", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [one, other] = [await submit(store), await submit(store)];
      const [claimed] = await claim(store, lease);
      expect(refusalOf(await store.workers.reclaim({ taskId: one.id, ...wish }))).toBe("worker_live");
      had(await store.workers.reclaim({ taskId: one.id, ...wish, force: true }));
      expect(await store.attempts.readSignals(lease.fence)).toEqual([{ fence: claimed?.fence, signal: "superseded" }]);
      expect(await store.tasks.getTask(other.id)).toMatchObject({ state: "running", owner: lease.fence });
    });

    it("ends a task that was asked to end, and is refused for one that does not run", async () => {
      const { store } = use();
      const task = await submit(store);
      expect(refusalOf(await store.workers.reclaim({ taskId: task.id, ...wish }))).toBe("invalid_state");
      expect(refusalOf(await store.workers.reclaim({ taskId: "none", ...wish }))).toBe("task_not_found");
      await claimAs(store);
      await store.tasks.requestTaskCancel(task.id, "me");
      expect(had(await store.workers.reclaim({ taskId: task.id, ...wish, force: true }))).toBe("cancelled");
    });
  });
}
