import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, RetryableError, Snooze, TerminalError } from "../../src/index.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch, type Workshop } from "./workshop.js";

let shop: Workshop;
beforeEach(async () => {
  shop = await createWorkshop();
});
afterEach(() => shop.dispose());

const soon = { backoff: { kind: "fixed", delayMs: 1 } } as const;

describe("an engine", () => {
  it("gives the handler its params as the schema makes them, and the caller the result", async () => {
    const add = defineTask({
      type: "add",
      params: z.object({ a: z.number(), b: z.number().default(5) }),
      result: z.object({ sum: z.number() }),
      run: ({ a, b }) => ({ sum: a + b }),
    });
    const engine = await shop.engine([add]);
    await engine.start();
    const task = await engine.tasks.submit(add, { a: 1 });

    expect(await task.result()).toEqual({ sum: 6 });
    expect(await engine.tasks.get(task.id)).toMatchObject({ state: "completed", params: { a: 1 }, attempt: 1 });
    expect(engine.status()).toMatchObject({ state: "running", succeeded: 1, failed: 0, refused: 0 });
  });

  it("refuses params that do not fit before anything is recorded, and types that it does not know", async () => {
    const add = defineTask({ type: "add", params: z.object({ a: z.number() }), run: () => null });
    const engine = await shop.engine([add]);
    await expect(engine.tasks.submit("add", { a: "x" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("a:"),
    });
    await expect(
      engine.tasks.submitMany(add, [{ params: { a: 1 } }, { params: { a: "x" as unknown as number } }]),
    ).rejects.toMatchObject({ code: "invalid_input" });
    await expect(engine.tasks.submit("ad", {})).rejects.toMatchObject({
      code: "unknown_task_type",
      hint: 'Did you mean "add"?',
    });
    expect(await engine.tasks.list()).toEqual([]);
  });

  it("waits for a schema that answers later", async () => {
    const params = z.string().refine(async (text) => text !== "bad");
    const later = defineTask({ type: "later", params, run: (text) => text });
    const engine = await shop.engine([later]);
    await engine.start();
    await expect(engine.tasks.submit(later, "bad")).rejects.toMatchObject({ code: "invalid_input" });
    const [first] = await engine.tasks.submitMany(later, [{ params: "good", priority: 3 }]);
    expect(await first?.result()).toBe("good");
  });

  it("leaves tasks of other types to other engines", async () => {
    const known = defineTask({ type: "known", params: anything, run: () => 1 });
    const other = defineTask({ type: "other", params: anything, run: () => 2 });
    const engine = await shop.engine([known]);
    await engine.start();
    const left = await engine.tasks.submit(other, {});
    expect(await (await engine.tasks.submit(known, {})).result()).toBe(1);
    expect(await engine.tasks.get(left.id)).toMatchObject({ state: "queued", attempt: 0 });
    await (await shop.engine([other])).start();
    expect(await left.result()).toBe(2);
  });

  it("runs as many handlers at once as it may, and no more", async () => {
    const gate = latch();
    let [now, most] = [0, 0];
    const held = defineTask({
      type: "held",
      params: anything,
      run: async () => {
        now += 1;
        most = Math.max(most, now);
        await gate.promise;
        now -= 1;
      },
    });
    const engine = await shop.engine([held], { concurrency: 3 });
    await engine.start();
    const tasks = await engine.tasks.submitMany(
      held,
      Array.from({ length: 10 }, () => ({ params: 1 })),
    );
    await until("three run", () => now === 3);
    gate.open();
    await Promise.all(tasks.map((task) => task.result()));
    expect(most).toBe(3);
  });

  it("makes a long task wait for nobody, and nobody for it", async () => {
    const gate = latch();
    const long = defineTask({ type: "long", params: anything, run: () => gate.promise });
    const quick = defineTask({ type: "quick", params: anything, run: () => "done" });
    const engine = await shop.engine([long, quick], { concurrency: 2 });
    await engine.start();
    const held = await engine.tasks.submit(long, {});
    expect(await (await engine.tasks.submit(quick, {})).result()).toBe("done");
    gate.open();
    await held.result();
  });

  it("drains many tasks, each executed once, and forgets none that it had claimed ahead when it stops", async () => {
    const seen = new Map<number, number>();
    const count = defineTask({
      type: "count",
      params: z.number(),
      run: (n) => {
        seen.set(n, (seen.get(n) ?? 0) + 1);
      },
    });
    const engine = await shop.engine([count], { concurrency: 5 });
    await engine.tasks.submitMany(
      count,
      Array.from({ length: 5_000 }, (_, n) => ({ params: n })),
    );
    await engine.start();
    await until("some are done", () => seen.size > 500);
    await engine.stop();
    const [stats] = await engine.tasks.stats();
    expect(stats?.states.running).toBe(0);
    expect(stats?.states.completed).toBe(seen.size);
    await engine.start();
    await until("all are done", () => seen.size === 5_000);
    await until("all are recorded", async () => (await engine.tasks.stats())[0]?.states.completed === 5_000);
    expect([...seen.values()].every((times) => times === 1)).toBe(true);
  });
});

describe("a handler that fails", () => {
  it("is tried again with what failed counted, until it succeeds", async () => {
    const failures: number[] = [];
    const flaky = defineTask({
      type: "flaky",
      params: anything,
      retry: { maxAttempts: 5, ...soon },
      run: (_params, ctx) => {
        failures.push(ctx.failures);
        if (ctx.failures < 2) throw new Error("not yet");
        return ctx.attempt;
      },
    });
    const engine = await shop.engine([flaky]);
    await engine.start();
    const task = await engine.tasks.submit(flaky, {});
    expect(await task.result()).toBe(3);
    expect(failures).toEqual([0, 1, 2]);
    const attempts = await engine.tasks.attempts(task.id);
    expect(attempts.map(({ state }) => state)).toEqual(["failed", "failed", "succeeded"]);
    expect(attempts[0]?.failure).toEqual({ code: "task_failed", name: "Error", message: "not yet" });
  });

  it("ends as failed, told to whoever waits, and is tried again when somebody asks", async () => {
    let works = false;
    const task = defineTask({
      type: "dead",
      params: anything,
      retry: { maxAttempts: 2, ...soon },
      run: () => {
        if (!works) throw new TypeError("broken");
        return "mended";
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const dead = await engine.tasks.submit(task, {});
    await expect(dead.result()).rejects.toMatchObject({
      code: "task_failed",
      message: expect.stringContaining("broken"),
      details: { failure: { name: "TypeError" } },
    });
    await expect(engine.tasks.retry(randomUUID())).rejects.toMatchObject({ code: "task_not_found" });
    works = true;
    expect(await engine.tasks.retryFailed("dead")).toBe(1);
    expect(await dead.result()).toBe("mended");
    expect(await engine.tasks.get(dead.id)).toMatchObject({ run: 2, attempt: 3, failures: 0 });
    await expect(engine.tasks.retry(dead.id)).rejects.toMatchObject({ code: "invalid_state" });
  });

  it("says itself what is to follow: never, later, or not now", async () => {
    let snoozed = false;
    const [never, later] = [latch(), latch()];
    const said = defineTask({
      type: "said",
      params: z.enum(["terminal", "retryable", "snooze"]),
      retry: { maxAttempts: 2, backoff: { kind: "fixed", delayMs: 3_600_000 } },
      run: (how, ctx) => {
        if (how === "terminal") throw new TerminalError("no use");
        if (how === "retryable" && ctx.failures === 0) throw new RetryableError("again", { afterMs: 1 });
        if (how === "snooze" && !snoozed) {
          snoozed = true;
          throw new Snooze(1);
        }
        return ctx.failures;
      },
    });
    const engine = await shop.engine([said]);
    await engine.start();
    const [terminal, retryable, snooze] = await engine.tasks.submitMany(said, [
      { params: "terminal" },
      { params: "retryable" },
      { params: "snooze" },
    ]);
    await expect(terminal?.result()).rejects.toMatchObject({ code: "task_failed" });
    expect(await engine.tasks.get(terminal?.id ?? "")).toMatchObject({ attempt: 1, failures: 1 });
    expect(await retryable?.result()).toBe(1);
    expect(await snooze?.result()).toBe(0);
    expect(await engine.tasks.attempts(snooze?.id ?? "")).toMatchObject([
      { state: "cancelled", returned: "snoozed" },
      { state: "succeeded" },
    ]);
    never.open();
    later.open();
  });

  it("can have rules by the class of its error, and a delay of its own", async () => {
    class Refused extends RangeError {}
    const asked: number[] = [];
    const task = defineTask({
      type: "ruled",
      params: z.boolean(),
      retry: {
        maxAttempts: 9,
        byError: { RangeError: "never" },
        delay: (failures) => {
          asked.push(failures);
          return failures < 3 ? 1 : null;
        },
      },
      run: (refuse) => {
        throw refuse ? new Refused("no") : new Error("again");
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const refused = await engine.tasks.submit(task, true);
    await expect(refused.result()).rejects.toMatchObject({ code: "task_failed" });
    const tried = await engine.tasks.submit(task, false);
    await expect(tried.result()).rejects.toMatchObject({ code: "task_failed" });
    expect([(await engine.tasks.get(refused.id))?.attempt, (await engine.tasks.get(tried.id))?.attempt]).toEqual([
      1, 3,
    ]);
    expect(asked).toEqual([1, 2, 3]);
  });

  it.each<[what: string, thrown: unknown, message: string]>([
    ["a text", "just words", "just words"],
    ["nothing", undefined, "undefined"],
    ["an object", { a: [1] }, "{ a: [ 1 ] }"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
  ])("may throw %s, which is shown as it prints", async (_what, thrown, message) => {
    const task = defineTask({
      type: "odd",
      params: anything,
      retry: { maxAttempts: 1 },
      run: () => {
        throw thrown;
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const odd = await engine.tasks.submit(task, {});
    await expect(odd.result()).rejects.toMatchObject({ code: "task_failed" });
    expect(await engine.tasks.get(odd.id)).toMatchObject({ failure: { name: null, message } });
  });

  it("may return ten megabytes, and nothing that JSON or its schema refuses", async () => {
    const big = defineTask({ type: "big", params: anything, run: () => "x".repeat(10_000_000) });
    const cyclic = defineTask({
      type: "cyclic",
      params: anything,
      run: () => {
        const a: Record<string, unknown> = {};
        a.a = a;
        return a;
      },
    });
    const wrong = defineTask({
      type: "wrong",
      params: anything,
      result: z.number(),
      run: () => "seven" as unknown as number,
    });
    const engine = await shop.engine([big, cyclic, wrong]);
    await engine.start();
    expect(await (await engine.tasks.submit(big, {})).result()).toHaveLength(10_000_000);
    for (const task of [cyclic, wrong]) {
      const refused = await engine.tasks.submit(task.type, {});
      await expect(refused.result()).rejects.toMatchObject({ details: { failure: { code: "invalid_result" } } });
      expect(await engine.tasks.get(refused.id)).toMatchObject({ attempt: 1 });
    }
  });
});

describe("a time limit", () => {
  it("aborts the signal, and counts as a failure", async () => {
    const reasons: unknown[] = [];
    const slow = defineTask({
      type: "slow",
      params: anything,
      timeoutMs: 20,
      retry: { maxAttempts: 2, ...soon },
      run: (_params, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        }),
    });
    const engine = await shop.engine([slow]);
    await engine.start();
    const task = await engine.tasks.submit(slow, {});
    await expect(task.result()).rejects.toMatchObject({ details: { failure: { code: "timeout" } } });
    expect(reasons).toMatchObject([{ code: "timeout" }, { code: "timeout" }]);
    expect((await engine.tasks.attempts(task.id)).map(({ state }) => state)).toEqual(["timed_out", "timed_out"]);
  });

  it("ends an attempt whose handler never settles and ignores its signal, and frees its slot", async () => {
    const never = defineTask({
      type: "never",
      params: anything,
      timeoutMs: 10,
      retry: { maxAttempts: 1 },
      run: () => new Promise(() => undefined),
    });
    const next = defineTask({ type: "next", params: anything, run: () => "ran" });
    const engine = await shop.engine([never, next], { concurrency: 1 });
    await engine.start();
    const stuck = await engine.tasks.submit(never, {});
    const after = await engine.tasks.submit(next, {});
    await expect(stuck.result()).rejects.toMatchObject({ code: "task_failed" });
    expect(await after.result()).toBe("ran");
  });

  it("may be the submission's own, and the whole task may have one", async () => {
    const slow = defineTask({
      type: "slow",
      params: anything,
      timeoutMs: null,
      retry: { maxAttempts: 3, ...soon },
      run: () => new Promise(() => undefined),
    });
    const engine = await shop.engine([slow]);
    await engine.start();
    const timed = await engine.tasks.submit(slow, {}, { timeoutMs: 10, maxAttempts: 1 });
    await expect(timed.result()).rejects.toMatchObject({ details: { failure: { code: "timeout" } } });
    const late = await engine.tasks.submit(slow, {}, { deadlineMs: 30 });
    await expect(late.result()).rejects.toMatchObject({ details: { failure: { code: "deadline_exceeded" } } });
    expect(await engine.tasks.get(late.id)).toMatchObject({ attempt: 1 });
    await engine.tasks.pause("slow");
    const waiting = await engine.tasks.submit(slow, {}, { deadlineMs: 20 });
    await expect(waiting.result()).rejects.toMatchObject({ details: { failure: { code: "deadline_exceeded" } } });
  });
});

describe("stopping", () => {
  it("waits for handlers, and burns no attempt of those that it cannot wait for", async () => {
    const started = latch();
    const task = defineTask({
      type: "held",
      params: z.boolean(),
      run: (forever, { signal, attempt }) => {
        if (attempt > 1) return "again";
        if (!forever) return new Promise((resolve) => setTimeout(() => resolve("in time"), 20));
        started.open();
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const engine = await shop.engine([task], { concurrency: 2 });
    await engine.start();
    const [held, quick] = await engine.tasks.submitMany(task, [{ params: true }, { params: false }]);
    await started.promise;
    await engine.stop({ graceMs: 200 });
    expect(engine.status()).toMatchObject({ state: "stopped", running: 0, fence: null });
    expect(await engine.tasks.get(quick?.id ?? "")).toMatchObject({ state: "completed" });
    expect(await engine.tasks.get(held?.id ?? "")).toMatchObject({ state: "queued", failures: 0, crashes: 0 });
    expect(await engine.tasks.attempts(held?.id ?? "")).toMatchObject([{ state: "cancelled", returned: "shutdown" }]);
    await engine.start();
    expect(await held?.result()).toBe("again");
  });

  it("gives back what ignores its signal too, and can be asked twice", async () => {
    const started = latch();
    const task = defineTask({
      type: "deaf",
      params: anything,
      run: () => {
        started.open();
        return new Promise(() => undefined);
      },
    });
    const engine = await shop.engine([task]);
    await expect(engine.stop()).resolves.toBeUndefined();
    await engine.start();
    await expect(engine.start()).rejects.toMatchObject({ code: "invalid_state" });
    const deaf = await engine.tasks.submit(task, {});
    await started.promise;
    await engine.stop({ graceMs: 0 });
    expect(await engine.tasks.get(deaf.id)).toMatchObject({ state: "queued", failures: 0 });
    expect(await shop.store.leases.listLeases("engine/")).toEqual([]);
  });
});
