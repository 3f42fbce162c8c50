import { describe, expect, it } from "vitest";
import { QUARANTINE_AFTER } from "../../domain/task.js";
import type { AttemptEnd } from "../attempt-store.js";
import type { UseBench } from "./bench.js";
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

export function attemptFacts(use: UseBench): void {
  describe("claiming tasks", () => {
    it("goes by priority, then age, over all types that were asked for and no others", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const order: [type: string, priority: number][] = [
        ["mail", 0],
        ["post", 5],
        ["mail", 5],
        ["other", 9],
        ["mail", -1],
        ["post", 0],
      ];
      for (const [type, priority] of order) await submit(store, { type, priority });
      const types = ["mail", "post"].map((type) => ({ type, limit: 10 }));
      const sequences = (await claim(store, lease, { types, begin: 3, ahead: 9 })).map(({ id, type }) => [id, type]);
      const listed = await store.tasks.listTasks({}, { limit: 9 });
      const byPlace = sequences.map(([id]) => [...listed].reverse().findIndex((task) => task.id === id));
      expect(byPlace).toEqual([1, 2, 0, 5, 4]);
    });

    it("gives each task to one engine, under a fence that is larger than all before", async () => {
      const { store } = use();
      const leases = await Promise.all([1, 2, 3].map((pid) => engineLease(store, pid)));
      await store.tasks.submitTasks(Array.from({ length: 50 }, () => newTask()));
      const claims = await Promise.all(leases.map((lease) => claim(store, lease, { begin: 20 })));
      const ids = claims.flat().map(({ id }) => id);
      expect([ids.length, new Set(ids).size]).toEqual([50, 50]);
      const fences = claims.flat().map(({ fence }) => fence);
      expect(new Set(fences).size).toBe(50);
      expect(Math.min(...fences)).toBeGreaterThan(Math.max(...leases.map(({ fence }) => fence)));
    });

    it("takes no more of a type than there is room for, and goes on with the others", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await store.tasks.submitTasks(Array.from({ length: 6 }, () => newTask()));
      await store.tasks.submitTasks([newTask({ type: "post" })]);
      const types = [
        { type: "mail", limit: 2 },
        { type: "post", limit: 9 },
      ];
      const claimed = await claim(store, lease, { types, begin: 5 });
      expect(claimed.map(({ type }) => type)).toEqual(["mail", "mail", "post"]);
      expect(await claim(store, lease, { types: [], begin: 5 })).toEqual([]);
    });

    it("answers an engine that lost its lease with nothing", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store);
      const request = { owner: lease, types: [{ type: "mail", limit: 1 }], begin: 1, ahead: 0 };
      await store.leases.releaseLease(lease.name, lease.fence);
      expect(await store.attempts.claimTasks(request)).toEqual({ held: false, tasks: [], wakeAt: null });
      expect(await store.attempts.claimTasks({ ...request, types: [] })).toMatchObject({ held: false });
    });

    it("finds tasks when they are due, and says when to come back", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      await submit(store, { runAt: bench.now + 300 });
      await submit(store, { delayMs: 200 });
      await submit(store, { runAt: bench.now - 5 });
      const ask = () =>
        store.attempts.claimTasks({ owner: lease, types: [{ type: "mail", limit: 9 }], begin: 9, ahead: 0 });
      expect(await ask()).toMatchObject({ tasks: [{}], wakeAt: bench.now + 200 });
      expect(await ask()).toMatchObject({ tasks: [], wakeAt: bench.now + 200 });
      bench.now += 200;
      expect(await ask()).toMatchObject({ tasks: [{}], wakeAt: bench.now + 100 });
    });

    it("fails what is past its deadline instead", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const late = await submit(store, { deadlineMs: 100, delayMs: 50 });
      bench.now += 100;
      expect(await claim(store, lease)).toEqual([]);
      expect(await store.tasks.getTask(late.id)).toMatchObject({
        state: "failed",
        failure: { code: "deadline_exceeded" },
      });
    });
  });

  describe("ending an attempt", () => {
    it("stores the result and the attempt, once", async () => {
      const bench = use();
      const { store } = bench;
      const lease = await engineLease(store);
      const task = await submit(store);
      const claimed = await claimOne(store, lease);
      bench.now += 7;
      expect(await end(store, claimed, succeeded('{"n":1}'))).toEqual({ written: true, value: "completed" });
      expect(await store.tasks.getTask(task.id)).toMatchObject({
        state: "completed",
        result: { n: 1 },
        endedAt: bench.now,
        fence: null,
      });
      expect(await store.attempts.listAttempts(task.id)).toMatchObject([
        {
          state: "succeeded",
          attempt: 1,
          fence: claimed.fence,
          owner: lease.fence,
          startedAt: bench.now - 7,
          endedAt: bench.now,
        },
      ]);
      expect(await end(store, claimed, failed())).toEqual({ written: false, refusal: "stale_fence" });
      expect(await store.attempts.listAttempts("none")).toEqual([]);
    });

    it.each<[string, AttemptEnd, object, object]>([
      [
        "a failure with more attempts",
        failed(500),
        { state: "scheduled", failures: 1, crashes: 0 },
        { state: "failed", returned: null },
      ],
      ["a failure tried again at once", failed(0), { state: "queued", failures: 1 }, { state: "failed" }],
      [
        "the last failure",
        failed(null),
        { state: "failed", failures: 1, failure: { code: "task_failed", name: "Error", message: "no" } },
        { state: "failed" },
      ],
      [
        "a time-out",
        { ...failed(5), state: "timed_out" } as AttemptEnd,
        { state: "scheduled", failures: 1 },
        { state: "timed_out" },
      ],
      [
        "a cancel",
        { state: "cancelled", failure: { code: "cancelled", name: null, message: "stop" } },
        { state: "cancelled", failures: 0 },
        { state: "cancelled", returned: null },
      ],
      [
        "a shutdown",
        returned(),
        { state: "queued", failures: 0, crashes: 0, failure: null },
        { state: "cancelled", returned: "shutdown" },
      ],
      [
        "a snooze",
        { state: "returned", reason: "snoozed", delayMs: 60 },
        { state: "scheduled", failures: 0 },
        { state: "cancelled", returned: "snoozed" },
      ],
    ])("makes of %s what the domain says", async (_name, how, taskAfter, attemptAfter) => {
      const { store } = use();
      const lease = await engineLease(store);
      const task = await submit(store);
      const answer = await end(store, await claimOne(store, lease), how);
      const found = await store.tasks.getTask(task.id);
      expect(found).toMatchObject(taskAfter);
      expect(answer).toEqual({ written: true, value: found?.state });
      expect(await store.attempts.listAttempts(task.id)).toMatchObject([attemptAfter]);
    });

    it("decides each of a batch for itself", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await store.tasks.submitTasks(Array.from({ length: 60 }, () => newTask()));
      const claimed = await claim(store, lease, { begin: 60 });
      const stale = { taskId: claimed[1]?.id ?? "", sequence: claimed[1]?.sequence ?? 0, attempt: 1, fence: 1 };
      const ends = claimed.map((task, n) => ({
        guard: n === 1 ? stale : guardOf(task),
        end: n % 3 === 0 ? failed() : succeeded("2"),
      }));
      const answers = await store.attempts.endAttempts(ends);
      expect(answers.map((a) => (a.written ? a.value : a.refusal))).toEqual(
        claimed.map((_, n) => (n === 1 ? "stale_fence" : n % 3 === 0 ? "failed" : "completed")),
      );
      expect(await store.tasks.listTasks({ states: ["running"] }, { limit: 9 })).toHaveLength(1);
    });
  });

  describe("an attempt that was superseded", () => {
    it("is refused in everything it writes, which is counted and shown", async () => {
      const bench = use();
      const { store } = bench;
      const first = await engineLease(store, 1);
      const task = await submit(store);
      const old = guardOf(await claimOne(store, first));
      bench.now += 60_000;
      expect(await store.attempts.takeBack(first, false, QUARANTINE_AFTER)).toMatchObject({ queued: 1 });
      const heir = await claimOne(store, await engineLease(store, 2));
      const step = { name: "s", kind: "step", startedAt: 1, result: "1" } as const;
      const answers = [
        await store.steps.recordStep(old, step),
        await store.steps.spawnTasks(old, { name: "children" }, [newTask()]),
        await store.steps.recordProgress(old, "0.5"),
        await store.steps.appendTaskLog(old, ["late"]),
        await store.attempts.confirmAttempt(old),
        ...(await store.attempts.endAttempts(
          [succeeded(), failed(), returned()].map((how) => ({ guard: old, end: how })),
        )),
      ];
      expect(answers).toEqual(answers.map(() => ({ written: false, refusal: "stale_fence" })));
      expect((await store.info()).staleWritesRefused).toBe(8);
      const refused = await store.events.readEvents(0, { subject: task.id, types: ["write.refused"] }, 20);
      expect(refused.map(({ data }) => data.write).sort()).toEqual([
        "end",
        "end",
        "end",
        "heartbeat",
        "log",
        "progress",
        "spawn",
        "step",
      ]);
      expect(await store.tasks.getTask(task.id)).toMatchObject({ state: "running", progress: null, attempt: 2 });
      expect([await store.steps.listSteps(task.id), await store.steps.readTaskLog(task.id, 9)]).toEqual([[], []]);
      expect(await store.attempts.confirmAttempt(guardOf(heir))).toMatchObject({ written: true });
    });
  });

  describe("an engine that is no more", () => {
    it("is not touched while its lease lives and nobody proves its death", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      await submit(store);
      await claimOne(store, lease);
      expect(await store.attempts.takeBack(lease, false, QUARANTINE_AFTER)).toBeNull();
      expect(await store.attempts.takeBack({ ...lease, fence: lease.fence + 1 }, true, QUARANTINE_AFTER)).toBeNull();
    });

    it("loses its attempts at once, to one heir, without a failure counted", async () => {
      const { store } = use();
      const lease = await engineLease(store);
      const [task, asked] = [await submit(store), await submit(store)];
      await claim(store, lease);
      await store.tasks.requestTaskCancel(asked.id, "me");
      const answers = await Promise.all([1, 2].map(() => store.attempts.takeBack(lease, true, QUARANTINE_AFTER)));
      expect(answers).toEqual([{ queued: 1, quarantined: 0, cancelled: 1 }, null]);
      expect(await store.tasks.getTask(task.id)).toMatchObject({ state: "queued", failures: 0, crashes: 1 });
      expect(await store.attempts.listAttempts(task.id)).toMatchObject([{ state: "lost", failure: { code: "lost" } }]);
      expect(await store.leases.getLease(lease.name)).toBeNull();
    });

    it("leaves a task alone once too many have died of it", async () => {
      const { store } = use();
      const task = await submit(store);
      for (let n = 1; n <= QUARANTINE_AFTER; n += 1) {
        const lease = await engineLease(store, n);
        await claimOne(store, lease);
        await store.attempts.takeBack(lease, true, QUARANTINE_AFTER);
      }
      expect(await store.tasks.getTask(task.id)).toMatchObject({
        state: "failed",
        crashes: 3,
        failures: 0,
        failure: { code: "quarantined" },
      });
      expect(await store.tasks.retryTask(task.id)).toMatchObject({ state: "queued", crashes: 0, run: 2 });
    });

    it("counts no crash against what it had claimed ahead, which from then on is claimed only to begin", async () => {
      const { store } = use();
      const tasks = [await submit(store), await submit(store), await submit(store)];
      const first = await engineLease(store, 1);
      expect(await claim(store, first, { begin: 1, ahead: 5 })).toHaveLength(3);
      await store.attempts.takeBack(first, true, QUARANTINE_AFTER);
      const found = await store.tasks.getTasks(tasks.map(({ id }) => id));
      expect(tasks.map(({ id }) => found.get(id)?.crashes)).toEqual([1, 0, 0]);
      const second = await engineLease(store, 2);
      expect(await claim(store, second, { begin: 2, ahead: 5 })).toHaveLength(2);
      expect(await claim(store, second, { begin: 0, ahead: 5 })).toEqual([]);
      expect(await claim(store, second, { begin: 1, ahead: 5 })).toHaveLength(1);
    });
  });
}
