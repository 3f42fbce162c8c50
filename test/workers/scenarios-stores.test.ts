/**
 * Twenty scenarios that brought down a dispatcher, 18 and 20: whose clock decides, and that no store does otherwise.
 *
 * Processes share a file. What is in memory is one process's own, so there the scenarios are played by calls of the library;
 * the same calls are played on a file. The PostgreSQL store will be the third when there is one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineTask, openEngine, openStore, type Store } from "../../src/index.js";
import { newTask, submit } from "../../src/store/conformance/given-tasks.js";
import { claimAs, endClaim, had, refusalOf, worker } from "../../src/store/conformance/given-workers.js";
import { until } from "../harness/until.js";

const HOUR = 3_600_000;
const success = (summary: string) => {
  const verdict = JSON.stringify({ v: 2, kind: "success", summary });
  return { end: { state: "succeeded", result: verdict }, verdict } as const;
};
const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;

let dir: string;
/** Time that passes for the store and for nobody else; milliseconds. */
let skew: number;
let store: Store;
const hostNow = Date.now;
const open = async (url: string): Promise<Store> => await openStore(url, { clock: () => hostNow() + skew });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "waybill-scenarios-"));
  skew = 0;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await store.close();
  rmSync(dir, { recursive: true });
});

describe("the clock of the store", () => {
  it.each([
    ["ahead of", HOUR],
    ["behind", -HOUR],
  ])(
    "18: decides alone how long a task is somebody's, also of a worker whose clock is an hour %s it",
    async (_where, ms) => {
      vi.spyOn(Date, "now").mockImplementation(() => hostNow() + ms);
      store = await open(`file:${join(dir, "waybill.db")}`);
      let executions = 0;
      let finish: (value: string) => void = () => undefined;
      const slow = defineTask({
        type: "slow",
        params: anything,
        run: async () => {
          executions += 1;
          return await new Promise<string>((resolve) => {
            finish = resolve;
          });
        },
      });
      const engines = await Promise.all([1, 2].map(() => openEngine({ store, tasks: [slow], leaseMs: 3_000 })));
      for (const engine of engines) await engine.start();
      const [first] = engines;
      const { id = "" } = (await first?.tasks.submit(slow, null)) ?? {};
      await until("it is executed", () => executions > 0);
      const later = Date.now() + 7_000;
      await until("two leases have passed", () => Date.now() > later);
      finish("done");
      expect(await first?.tasks.result(id)).toBe("done");
      expect(executions).toBe(1);
      for (const engine of engines) await engine.close();

      const task = await submit(store, { type: "claimed" });
      const claim = await claimAs(store, { ttlMs: HOUR }, { id: task.id });
      const patient = { taskId: task.id, by: "eve", reason: "slow", force: false };
      expect(refusalOf(await store.workers.reclaim(patient))).toBe("worker_live");
      skew += HOUR + 1;
      expect(refusalOf(await store.workers.reclaim(patient))).toBe("granted");
      expect(await endClaim(store, claim, success("late"))).toEqual({ written: false, refusal: "stale_fence" });
    },
  );
});

describe("every store", () => {
  it.each([
    ["a file", () => `file:${join(dir, "waybill.db")}`],
    ["memory", () => "memory:"],
  ])("20: keeps what the other scenarios promise: %s", async (_where, url) => {
    store = await open(url());
    await oneWinner();
    await endedStaysEnded();
    await liveIsKeptAndDeadIsNot();
    await handOffOrNothing();
    await sameAndWhole();
  });
});

/** 1, 3 and 15. */
async function oneWinner(): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const { id } = await submit(store);
    const claims = ["a", "b"].map((session) => store.workers.claimForWorker({ worker: worker({ session }), id }));
    expect((await Promise.all(claims)).map(refusalOf).sort()).toEqual(["granted", "invalid_state"]);
    const events = await store.events.readEvents(0, { subject: id }, 100);
    expect(events.filter(({ type }) => type === "task.started")).toHaveLength(1);
  }
}

/** 2, 5, 8 and 9. */
async function endedStaysEnded(): Promise<void> {
  const summary = "a | b\n\0🚚\ud83d";
  const { id } = await submit(store);
  const claim = await claimAs(store, {}, { id });
  expect(await endClaim(store, claim, success(summary))).toMatchObject({ written: true, value: "completed" });
  const before = await store.staleWritesRefused();
  const release = { end: { state: "returned", reason: "released", delayMs: null } } as const;
  expect(await endClaim(store, claim, release)).toEqual({ written: false, refusal: "stale_fence" });
  expect(await store.staleWritesRefused()).toBe(before + 1);
  expect(await store.tasks.getTask(id)).toMatchObject({ state: "completed", result: { summary } });
  expect(await store.attempts.listAttempts(id)).toMatchObject([{ state: "succeeded", result: { summary } }]);
}

/** 4, 16 and 17. */
async function liveIsKeptAndDeadIsNot(): Promise<void> {
  const { id } = await submit(store);
  const claim = await claimAs(store, { ttlMs: 1_000 }, { id });
  const reclaim = () => store.workers.reclaim({ taskId: id, by: "eve", reason: "slow", force: false });
  for (let beat = 0; beat < 10; beat += 1) {
    skew += 900;
    expect(refusalOf(await reclaim())).toBe("worker_live");
    const answer = await store.workers.heartbeat({ taskId: id, fence: claim.task.fence, ttlMs: 1_000 });
    expect(answer.written).toBe(true);
  }
  skew += 1_000;
  expect(refusalOf(await reclaim())).toBe("granted");
}

/** 6 and 13. */
async function handOffOrNothing(): Promise<void> {
  const wanted = { mode: "write", space: "", pattern: "src/a=b.ts" } as const;
  const holder = await submit(store, { paths: [wanted] });
  const held = await claimAs(store, {}, { id: holder.id });
  const { id, sequence } = await submit(store);
  const { task } = await claimAs(store, {}, { id });
  const guard = { taskId: id, sequence, attempt: task.attempt, fence: task.fence };
  const pass = () =>
    store.workers.handOff({ guard, to: worker({ agentId: "bob" }), by: "ann", reason: null, addPaths: [wanted] });
  expect(refusalOf(await pass())).toBe("paths_conflict");
  expect(await store.workers.findGuard(id, task.fence)).toEqual(guard);
  await endClaim(store, held, success("free"));
  expect(had(await pass()).task.fence).toBeGreaterThan(task.fence);
}

/** 12, 14 and 19. */
async function sameAndWhole(): Promise<void> {
  const [first, second] = [newTask({ ownId: true }), newTask({ ownId: true })];
  const plan = [first, { ...second, dependsOn: [{ id: first.id, outcome: "completed" as const }] }];
  const outcomes = async () => (await store.tasks.submitAll(plan)).map(({ outcome }) => outcome);
  expect([await outcomes(), await outcomes()]).toEqual([
    ["created", "created"],
    ["existing", "existing"],
  ]);
  const back = { from: second.id, to: first.id, kind: "blocks", outcome: "completed" } as const;
  expect(refusalOf(await store.links.link(back))).toBe("dependency_cycle");
  const good = newTask();
  const bad = newTask({ dependsOn: [{ id: newTask().id, outcome: "ended" }] });
  await expect(store.tasks.submitAll([good, bad])).rejects.toMatchObject({ code: "task_not_found" });
  expect(await store.tasks.getTask(good.id)).toBeNull();
}
