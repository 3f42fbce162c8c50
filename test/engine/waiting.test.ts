/** What waits, for what, and when it goes on: keys, rates, pauses, delays, schedules, unique keys, ids. */
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, submitWithin } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

const ID = "0190163d-8694-739b-aea5-966c26f8ad91";

/** A type that counts how many of its handlers run at once, by the key in their params. */
function counting(type: string, limits: { concurrency?: number; keyConcurrency?: number } = {}) {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const task = defineTask({
    type,
    params: z.string(),
    ...limits,
    run: async (key) => {
      now.set(key, (now.get(key) ?? 0) + 1);
      most.set(key, Math.max(most.get(key) ?? 0, now.get(key) ?? 0));
      await new Promise((resolve) => setTimeout(resolve, 2));
      now.set(key, (now.get(key) ?? 0) - 1);
    },
  });
  return { task, most };
}

describe("limits", () => {
  it("hold for a type over two engines", async () => {
    const { task, most } = counting("limited", { concurrency: 3 });
    const engines = await Promise.all([1, 2].map(() => shop.engine([task], { concurrency: 10 })));
    for (const engine of engines) await engine.start();
    const tasks = await engines[0]?.tasks.submitMany(
      task,
      Array.from({ length: 60 }, () => ({ params: "a" })),
    );
    await Promise.all(tasks?.map((one) => one.result()) ?? []);
    expect(most.get("a")).toBeLessThanOrEqual(3);
  });

  it("hold for each key, and other keys pass", async () => {
    const { task, most } = counting("keyed", { keyConcurrency: 2 });
    const engine = await shop.engine([task], { concurrency: 20 });
    await engine.start();
    const items = Array.from({ length: 60 }, (_, n) => ({ params: `k${n % 3}`, concurrencyKey: `k${n % 3}` }));
    const tasks = await engine.tasks.submitMany(task, items);
    await Promise.all(tasks.map((one) => one.result()));
    expect([...most.values()].every((n) => n <= 2)).toBe(true);
  });

  it("hold for a rate: attempts begin no faster than it says", async () => {
    const task = defineTask({ type: "rated", params: anything, rateLimit: { max: 2, perMs: 200 }, run: () => null });
    const engine = await shop.engine([task]);
    await engine.start();
    const tasks = await engine.tasks.submitMany(
      task,
      Array.from({ length: 6 }, () => ({ params: 1 })),
    );
    await Promise.all(tasks.map((one) => one.result()));
    const attempts = await Promise.all(tasks.map(({ id }) => engine.tasks.attempts(id)));
    const begun = attempts.flat().map(({ startedAt }) => startedAt);
    // By the store's clock: two at once, then one each 100 ms.
    const first = Math.min(...begun);
    expect(
      begun
        .map((at) => at - first)
        .sort((a, b) => a - b)
        .every((ms, n) => ms >= (n - 1) * 100),
    ).toBe(true);
  });

  it("hold for a pause, in every engine, until it is over", async () => {
    const ran: string[] = [];
    const task = defineTask({ type: "paused", params: z.string(), run: (name) => void ran.push(name) });
    const engine = await shop.engine([task]);
    await engine.start();
    expect(await engine.tasks.pause("paused")).toMatchObject({ paused: true });
    const held = await engine.tasks.submit(task, "held");
    const open = defineTask({ type: "open", params: anything, run: () => 1 });
    const other = await shop.engine([task, open]);
    await other.start();
    await (await other.tasks.submit(open, {})).result();
    expect(ran).toEqual([]);
    expect(await other.tasks.resume("paused")).toMatchObject({ paused: false });
    await held.result();
  });

  it("let priority go first among what waits, then age", async () => {
    const gate = latch();
    const order: string[] = [];
    const task = defineTask({
      type: "ordered",
      params: z.string(),
      run: async (name) => {
        order.push(name);
        await gate.promise;
      },
    });
    const engine = await shop.engine([task], { concurrency: 1, prefetch: 0 });
    await engine.start();
    const first = await engine.tasks.submit(task, "first");
    await until("it runs", () => order.length === 1);
    const rest = await engine.tasks.submitMany(task, [
      { params: "low", priority: -1 },
      { params: "old" },
      { params: "new" },
      { params: "urgent", priority: 9 },
    ]);
    gate.open();
    await Promise.all([first, ...rest].map((one) => one.result()));
    expect(order).toEqual(["first", "urgent", "old", "new", "low"]);
  });
});

describe("a delay", () => {
  it("lets a task run at its time, not before", async () => {
    const task = defineTask({ type: "later", params: anything, run: () => Date.now() });
    const engine = await shop.engine([task]);
    await engine.start();
    const since = Date.now();
    const [a, b] = await engine.tasks.submitMany(task, [
      { params: 1, delayMs: 60 },
      { params: 1, runAt: new Date(since + 80) },
    ]);
    expect(Number(await a?.result())).toBeGreaterThanOrEqual(since + 60);
    expect(Number(await b?.result())).toBeGreaterThanOrEqual(since + 80);
  });
});

describe("a schedule", () => {
  it("makes tasks at its times, one for each, however many engines look", async () => {
    const task = defineTask({
      type: "ticking",
      params: z.object({ n: z.number() }),
      schedules: [{ everyMs: 50, params: { n: 1 }, overlap: "allow" }],
      run: ({ n }) => n,
    });
    const engines = await Promise.all([1, 2, 3].map(() => shop.engine([task])));
    for (const engine of engines) await engine.start();
    const done = async () => (await shop.store.tasks.listTasks({ states: ["completed"] }, { limit: 100 })).length;
    await until("four have run", async () => (await done()) >= 4);
    for (const engine of engines) await engine.stop();
    const tasks = await shop.store.tasks.listTasks({}, { limit: 100 });
    const [schedule] = await shop.store.schedules.listSchedules();
    expect(tasks.every((one) => one.schedule === "ticking")).toBe(true);
    const first = (schedule?.nextAt ?? 0) - tasks.length * 50;
    expect(tasks.length).toBeLessThanOrEqual((Date.now() - first) / 50 + 1);
  });

  it("makes none while it is paused, goes on when it is resumed, and is forgotten when it is removed", async () => {
    const schedules = [{ everyMs: 30, params: 1, overlap: "allow" as const, catchUp: "none" as const }];
    const engine = await shop.engine([defineTask({ type: "now", params: anything, schedules, run: () => 1 })]);
    await engine.start();
    const count = async () => (await engine.tasks.list({}, { limit: 1_000 })).length;
    await until("one was made", async () => (await count()) > 0);
    expect(await engine.tasks.pauseSchedule("now")).toMatchObject({ paused: true });
    // Whatever an engine makes, it makes when it starts: a start while the schedule is paused and due makes nothing.
    await engine.stop();
    const made = await count();
    await until("it is due", async () => ((await engine.tasks.schedules())[0]?.nextAt ?? 0) < Date.now());
    await engine.start();
    expect(await count()).toBe(made);
    expect(await engine.tasks.resumeSchedule("now")).toMatchObject({ paused: false });
    await until("it goes on", async () => (await count()) > made);
    await engine.stop();
    expect([await engine.tasks.removeSchedule("now"), await engine.tasks.removeSchedule("now")]).toEqual([true, false]);
    expect([await engine.tasks.schedules(), await engine.tasks.pauseSchedule("now")]).toEqual([[], null]);
  });

  it.each([
    [{ cron: "* * *", params: 1 }, "* * *"],
    [{ cron: "0 0 * * *", timeZone: "Mars/Olympus", params: 1 }, "Mars/Olympus"],
    [{ params: 1 }, "either"],
    [{ cron: "0 0 * * *", everyMs: 5, params: 1 }, "either"],
    [{ everyMs: 0, params: 1 }, "every 0"],
  ])("that can never be due is refused: %j", (schedule, found) => {
    const define = () => defineTask({ type: "bad", params: anything, schedules: [schedule], run: () => 1 });
    expect(define).toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(found) }));
  });
});

describe("a task's own id and unique key", () => {
  it("stand for one task, whatever the spelling, and the handler is not called again, also after a restart", async () => {
    let calls = 0;
    const task = defineTask({
      type: "once",
      params: z.object({ a: z.number() }),
      run: () => {
        calls += 1;
        return calls;
      },
    });
    const first = await shop.engine([task]);
    await first.start();
    const submitted = await first.tasks.submit(task, { a: 1 }, { id: ID.toUpperCase() });
    expect([submitted.id, submitted.outcome, await submitted.result()]).toEqual([ID, "created", 1]);
    await first.close();
    const second = await shop.engine([task], { store: `file:${shop.path}` });
    await second.start();
    const again = await second.tasks.submit(task, { a: 1 }, { id: `urn:uuid:${ID}` });
    expect([again.id, again.outcome, await again.result()]).toEqual([ID, "existing", 1]);
    await expect(second.tasks.submit(task, { a: 2 }, { id: ID })).rejects.toMatchObject({ code: "task_conflict" });
    await expect(second.tasks.submit(task, { a: 2 }, { id: "7" })).rejects.toMatchObject({ code: "invalid_task_id" });
    expect(calls).toBe(1);
  });

  it("answer with the task that holds the key", async () => {
    const gate = latch();
    const task = defineTask({ type: "unique", params: anything, run: () => gate.promise });
    const engine = await shop.engine([task]);
    await engine.start();
    const first = await engine.tasks.submit(task, 1, { uniqueKey: "k" });
    const second = await engine.tasks.submit(task, 2, { uniqueKey: "k" });
    expect([second.id, second.outcome]).toEqual([first.id, "duplicate"]);
    gate.open();
    await second.result();
    expect((await engine.tasks.submit(task, 3, { uniqueKey: "k" })).outcome).toBe("created");
    expect((await engine.tasks.submit(task, 4, { uniqueKey: { key: "k", scope: { forMs: 60_000 } } })).outcome).toBe(
      "duplicate",
    );
  });

  it("let a failed task be tried again by being submitted again, once whoever asks", async () => {
    let works = false;
    let calls = 0;
    const task = defineTask({
      type: "again",
      params: anything,
      retry: { maxAttempts: 1 },
      run: () => {
        calls += 1;
        if (!works) throw new Error("no");
        return "yes";
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const first = await engine.tasks.submit(task, {}, { id: ID });
    await expect(first.result()).rejects.toMatchObject({ code: "task_failed" });
    works = true;
    const again = await Promise.all([1, 2].map(() => engine.tasks.submit(task, {}, { id: ID, retryEnded: true })));
    expect(again.map(({ outcome }) => outcome).sort()).toEqual(["existing", "retried"]);
    expect(await again[0]?.result()).toBe("yes");
    expect([calls, (await engine.tasks.get(ID))?.run]).toEqual([2, 2]);
  });
});

describe("a caller's own transaction", () => {
  const task = defineTask({ type: "within", params: z.object({ order: z.number() }), run: ({ order }) => order });

  it("submits with the caller's row, or not at all", async () => {
    const engine = await shop.engine([task]);
    await engine.start();
    const database = new Database(shop.path);
    try {
      database.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY)");
      const order = database.transaction((id: number, fails: boolean) => {
        database.prepare("INSERT INTO orders VALUES (?)").run(id);
        const submitted = submitWithin(database, task, { order: id }, { id: ID });
        if (fails) throw new Error("rolled back");
        return submitted;
      });
      expect(() => order(1, true)).toThrow("rolled back");
      expect(await engine.tasks.get(ID)).toBeNull();
      expect(await engine.tasks.result(order(2, false))).toBe(2);
      expect(() => submitWithin(database, task, { order: 3 })).toThrow(
        expect.objectContaining({ code: "invalid_state" }),
      );
      expect(() => order(4, false)).toThrow(expect.objectContaining({ code: "task_conflict" }));
      expect(database.prepare("SELECT id FROM orders").pluck().all()).toEqual([2]);
    } finally {
      database.close();
    }
  });

  it("must be one on a store of this version, with a schema that answers at once", async () => {
    const database = new Database(":memory:");
    const later = defineTask({ type: "async", params: z.string().refine(async () => true), run: () => 1 });
    try {
      const submit = database.transaction(() => submitWithin(database, task, { order: 1 }));
      expect(() => submit()).toThrow(expect.objectContaining({ code: "store_unsupported" }));
      const slow = database.transaction(() => submitWithin(database, later, "x"));
      expect(() => slow()).toThrow(expect.objectContaining({ code: "invalid_input" }));
    } finally {
      database.close();
    }
  });
});
