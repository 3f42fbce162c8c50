import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, RetryableError, Snooze, TerminalError } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { anything, createWorkshop } from "./workshop.js";

const shop = perTest(createWorkshop);

const soon = { backoff: { kind: "fixed", delayMs: 1 } } as const;

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
