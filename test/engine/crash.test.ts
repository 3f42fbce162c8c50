/** Engines that are stopped, continued, blocked and killed: real processes, real signals. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defineTask, type TaskDefinition } from "../../src/index.js";
import { newSeed, seededRandom } from "../crash/seeded-random.js";
import { faultsInFeed } from "../harness/feed-faults.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { type EngineProcess, notesIn, startEngineProcess } from "./engine-process.js";
import { anything, createWorkshop, type Workshop } from "./workshop.js";

const shop = perTest(createWorkshop);
let processes: EngineProcess[];
beforeEach(() => {
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map((process) => process.kill()));
});

const start = async (
  ...args: Parameters<typeof startEngineProcess> extends [Workshop, ...infer Rest] ? Rest : never
) => {
  const process = await startEngineProcess(shop, ...args);
  processes.push(process);
  return process;
};

/** The type as this process executes it. */
const here = (type: string, result: unknown): TaskDefinition<string, unknown, unknown> =>
  defineTask({ type, params: anything, run: () => result });

const QUARTER_HOUR = 900_000;

describe("an engine that is killed", () => {
  it("has its tasks taken back at once by another of the same host, long before its lease is over", async () => {
    const hold = here("hold", "from the second");
    const first = await start({ leaseMs: QUARTER_HOUR });
    const second = await shop.engine([hold], { leaseMs: QUARTER_HOUR });
    const task = await second.tasks.submit(hold, {});
    await first.saying("holding");
    await second.start();
    await first.kill();
    expect(await task.result()).toBe("from the second");
    expect(await second.tasks.get(task.id)).toMatchObject({ attempt: 2, crashes: 1, failures: 0 });
    expect(await second.tasks.attempts(task.id)).toMatchObject([{ state: "lost" }, { state: "succeeded" }]);
  });

  it("has its tasks executed again by the next that starts, with the same id, params and run", async () => {
    const first = await start({ leaseMs: QUARTER_HOUR });
    const client = await shop.engine([]);
    const task = await client.tasks.submit(here("hold", null), { some: "params" });
    const waiting = await client.tasks.submit(here("effect", null), 1);
    await first.saying("holding");
    await first.kill();
    writeFileSync(join(shop.dir, "release"), "");
    await start();
    expect(await task.result()).toBe("from the first");
    expect(await waiting.result()).toEqual(expect.any(Number));
    expect(await client.tasks.get(task.id)).toMatchObject({ params: { some: "params" }, run: 1, attempt: 2 });
  });

  it("by its own task again and again is spared that task after three deaths, with its last words kept", async () => {
    const client = await shop.engine([]);
    const task = await client.tasks.submit(here("killer", null), {});
    const other = await client.tasks.submit(here("effect", null), 1, { delayMs: 100 });
    for (let life = 1; life <= 3; life += 1) {
      const victim = await start();
      await until("it is dead", () => victim.child.signalCode === "SIGKILL");
    }
    await start();
    await expect(task.result()).rejects.toMatchObject({ details: { failure: { code: "quarantined" } } });
    expect(await client.tasks.get(task.id)).toMatchObject({ crashes: 3, failures: 0, attempt: 3 });
    expect((await client.tasks.log(task.id)).at(-1)?.line).toBe("last words of attempt 3");
    expect(await other.result()).toEqual(expect.any(Number));
  });
});

describe("an engine that is asked to end", () => {
  it("gives back what it cannot finish, and leaves nothing running behind", async () => {
    const first = await start({ abortGraceMs: 100 });
    const client = await shop.engine([]);
    const tasks = await client.tasks.submitMany(
      here("effect", null),
      Array.from({ length: 100 }, () => ({ params: 5 })),
    );
    await until("some have begun", async () => ((await client.tasks.stats())[0]?.states.completed ?? 0) > 5);
    first.signal("SIGTERM");
    await first.saying("closed");
    const [stats] = await client.tasks.stats();
    expect(stats?.states.running).toBe(0);
    expect((stats?.states.completed ?? 0) + (stats?.states.queued ?? 0)).toBe(tasks.length);
    const found = await client.tasks.list({ states: ["queued"] }, { limit: 100 });
    expect(found.every(({ failures, crashes }) => failures + crashes === 0)).toBe(true);
  });
});

describe("an engine that was stopped for longer than its lease", () => {
  it("changes nothing of a task that another has finished, and each try of it is counted", async () => {
    const hold = here("hold", "from the second");
    const first = await start({ leaseMs: 600, abortGraceMs: 60_000 });
    const second = await shop.engine([hold], { leaseMs: 600 });
    const task = await second.tasks.submit(hold, {});
    await first.saying("holding");
    first.signal("SIGSTOP");
    await second.start();
    expect(await task.result()).toBe("from the second");
    const before = await second.tasks.get(task.id);
    first.signal("SIGCONT");
    writeFileSync(join(shop.dir, "release"), "");

    const refused = await first.saying("refused");
    // The step asks the signal first, which may have heard of the loss by then.
    expect(refused).toMatch(/^refused (stale_write|lease_lost) stale_write stale_write stale_write$/);
    const counted = () => shop.store.events.readEvents(0, { subject: task.id, types: ["write.refused"] }, 50);
    await until("its end is refused too", async () => (await counted()).some(({ data }) => data.write === "end"));
    expect(await second.tasks.get(task.id)).toEqual(before);
    expect([await second.tasks.steps(task.id), await second.tasks.log(task.id)]).toEqual([[], []]);
    expect((await second.tasks.attempts(task.id)).map(({ state }) => state)).toEqual(["lost", "succeeded"]);
    expect((await shop.store.info()).staleWritesRefused).toBe((await counted()).length);
    expect((await second.tasks.list({ types: ["effect"] })).length).toBe(0);
  });

  it("goes on under a new lease", async () => {
    const first = await start({ leaseMs: 400 });
    const second = await shop.engine([], { leaseMs: 400 });
    await second.start();
    const leaseOf = async () =>
      (await shop.store.leases.listLeases("engine/")).find(({ holder }) => holder.pid === first.child.pid);
    const before = await leaseOf();
    first.signal("SIGSTOP");
    await until("its lease was taken", async () => (await leaseOf()) === undefined);
    first.signal("SIGCONT");
    const task = await second.tasks.submit(here("effect", null), 1);
    expect(await task.result()).toBe(first.child.pid);
    expect((await leaseOf())?.fence).toBeGreaterThan(before?.fence ?? 0);
  });
});

describe("an event loop that is blocked for ten leases", () => {
  it("keeps its lease, and nobody else executes its task", async () => {
    const block = here("block", "from the second");
    const first = await start({ leaseMs: 300 });
    const second = await shop.engine([block], { leaseMs: 300 });
    const task = await second.tasks.submit(block, 3_000);
    await first.saying("blocking");
    await second.start();
    expect(await task.result()).toBe(first.child.pid);
    expect(await second.tasks.attempts(task.id)).toMatchObject([{ state: "succeeded", attempt: 1 }]);
  });
});

describe("three engines of one store, of which one is killed again and again", () => {
  const seed = newSeed();

  it(`complete every task, with one winner and one owner at a time for each (seed ${seed})`, {
    timeout: 180_000,
  }, async () => {
    const random = seededRandom(seed);
    const count = 10_000;
    const client = await shop.engine([]);
    const tasks = await client.tasks.submitMany(
      here("effect", null),
      Array.from({ length: count }, () => ({ params: 15 })),
    );
    const engines = await Promise.all([0, 1, 2].map(() => start({ concurrency: 10 })));
    const completed = async () => (await client.tasks.stats())[0]?.states.completed ?? 0;
    let kills = 0;
    while ((await completed()) < count) {
      await pause(1_000);
      const victim = random.below(engines.length);
      await engines[victim]?.kill();
      kills += 1;
      engines[victim] = await start({ concurrency: 10 });
    }
    expect(kills).toBeGreaterThan(2);
    const notes = notesIn(shop);
    expect(new Set(notes.map(({ id }) => id)).size).toBe(count);
    const [stats] = await client.tasks.stats();
    expect(stats?.states).toEqual({ queued: 0, scheduled: 0, running: 0, completed: count, failed: 0, cancelled: 0 });
    expect(await faultsInFeed(shop.store.events, new Set(tasks.map(({ id }) => id)))).toEqual([]);
  });
});
