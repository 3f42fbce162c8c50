import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

const soon = { maxAttempts: 5, backoff: { kind: "fixed", delayMs: 1 } } as const;

describe("steps", () => {
  it("are done once in the life of a task, nested and concurrent ones too", async () => {
    const done: string[] = [];
    const task = defineTask({
      type: "stepwise",
      params: anything,
      retry: soon,
      run: async (_params, ctx) => {
        const note = (name: string) => {
          done.push(name);
          return { name, at: new Date(0) };
        };
        const first = await ctx.step("first", () => note("first"));
        const [a, b] = await Promise.all([
          ctx.step("a", async (inner) => [
            await inner.step("x", () => note("a/x")),
            await inner.step("y", () => note("a/y")),
          ]),
          ctx.step("b", (inner) => inner.step("x", () => note("b/x"))),
        ]);
        if (ctx.attempt < 3) throw new Error("not yet");
        return [first, a.length, b.name];
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});

    expect(await submitted.result()).toEqual([{ name: "first", at: "1970-01-01T00:00:00.000Z" }, 2, "b/x"]);
    expect([...done].sort()).toEqual(["a/x", "a/y", "b/x", "first"]);
    const steps = await engine.tasks.steps(submitted.id);
    expect(steps.map(({ name }) => name).sort()).toEqual(["a", "a/x", "a/y", "b", "b/x", "first"]);
    expect(steps.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it("that throw are not stored, and run again with the attempt", async () => {
    let tries = 0;
    const task = defineTask({
      type: "throwing",
      params: anything,
      retry: soon,
      run: (_params, ctx) =>
        ctx.step("risky", () => {
          tries += 1;
          if (tries < 3) throw new Error("no");
          return tries;
        }),
    });
    const engine = await shop.engine([task]);
    await engine.start();
    expect(await (await engine.tasks.submit(task, {})).result()).toBe(3);
  });

  it("need names of their own, and results that JSON can hold", async () => {
    const task = defineTask({
      type: "names",
      params: z.enum(["twice", "empty", "bigint"]),
      run: async (how, ctx) => {
        if (how === "bigint") await ctx.step("n", () => 1n);
        await ctx.step(how === "empty" ? "" : "s", () => 1);
        await ctx.step("s", () => 2);
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    for (const [how, code] of [
      ["twice", "invalid_input"],
      ["empty", "invalid_input"],
      ["bigint", "invalid_result"],
    ] as const) {
      const submitted = await engine.tasks.submit(task, how);
      await expect(submitted.result()).rejects.toMatchObject({ details: { failure: { code } } });
      expect(await engine.tasks.get(submitted.id)).toMatchObject({ attempt: 1 });
    }
  });

  it("may be ten thousand", async () => {
    let done = 0;
    const task = defineTask({
      type: "many",
      params: anything,
      retry: soon,
      run: async (_params, ctx) => {
        for (let n = 0; n < 10_000; n += 100) {
          await Promise.all(
            Array.from({ length: 100 }, (_, at) =>
              ctx.step(`s-${n + at}`, () => {
                done += 1;
              }),
            ),
          );
        }
        if (ctx.attempt === 1) throw new Error("once more");
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});
    await submitted.result();
    expect(done).toBe(10_000);
    expect(await engine.tasks.steps(submitted.id)).toHaveLength(10_000);
  });
});

describe("a sleep", () => {
  it("gives the slot away when it is long, and goes on in another attempt that does not count", async () => {
    const seen: number[] = [];
    const task = defineTask({
      type: "sleepy",
      params: z.number(),
      run: async (ms, ctx) => {
        seen.push(ctx.attempt);
        await ctx.sleep("night", ms);
        return "awake";
      },
    });
    const other = defineTask({ type: "other", params: anything, run: () => "ran" });
    const engine = await shop.engine([task, other], { concurrency: 1 });
    await engine.start();
    const long = await engine.tasks.submit(task, 1_200);
    expect(await (await engine.tasks.submit(other, {})).result()).toBe("ran");
    expect(await engine.tasks.get(long.id)).toMatchObject({ state: "scheduled", failures: 0 });
    expect(await long.result()).toBe("awake");
    expect(seen).toEqual([1, 2]);
    expect(await engine.tasks.attempts(long.id)).toMatchObject([{ returned: "sleeping" }, { state: "succeeded" }]);
    expect(await (await engine.tasks.submit(task, 5)).result()).toBe("awake");
    expect(seen).toEqual([1, 2, 1]);
  });
});

describe("what a handler tells while it runs", () => {
  it("is its progress and its log, in order", async () => {
    const told = latch();
    const gate = latch();
    const task = defineTask({
      type: "telling",
      params: anything,
      run: async (_params, ctx) => {
        for (let n = 0; n < 5; n += 1) ctx.log(`line ${n}`);
        await ctx.progress({ done: 5, of: 10 });
        await ctx.heartbeat();
        told.open();
        await gate.promise;
        ctx.log("last");
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});
    await told.promise;
    expect(await engine.tasks.get(submitted.id)).toMatchObject({ state: "running", progress: { done: 5, of: 10 } });
    gate.open();
    await submitted.result();
    const lines = (await engine.tasks.log(submitted.id)).map(({ line }) => line);
    expect(lines).toEqual(["line 0", "line 1", "line 2", "line 3", "line 4", "last"]);
    expect((await engine.tasks.log(submitted.id, 2)).map(({ line }) => line)).toEqual(["line 4", "last"]);
  });
});

describe("children and dependencies", () => {
  it("fan out once, whatever attempts follow, and fan in with all their results", async () => {
    const part = defineTask({ type: "part", params: z.number(), run: (n) => n * n });
    const join = defineTask({
      type: "join",
      params: anything,
      run: async (_params, ctx) => {
        const ends = await ctx.dependencies();
        return ends.map(({ result }) => Number(result)).reduce((a, b) => a + b, 0);
      },
    });
    const parent = defineTask({
      type: "parent",
      params: anything,
      retry: soon,
      run: async (_params, ctx) => {
        const parts = await ctx.spawnMany("parts", part, [1, 2, 3, 4]);
        if (ctx.attempt < 3) throw new Error("again");
        return await ctx.spawn("join", join, {}, { dependsOn: parts });
      },
    });
    const engine = await shop.engine([part, join, parent]);
    await engine.start();
    const submitted = await engine.tasks.submit(parent, {}, { trace: "00-trace" });
    const joined = await submitted.result();
    expect(await engine.tasks.result(joined)).toBe(30);
    const children = await engine.tasks.list({ parentId: submitted.id });
    expect(children).toHaveLength(5);
    expect(children.every(({ trace }) => trace === "00-trace")).toBe(true);
  });

  it("are cancelled, not left waiting, when what they wait for fails; and a rescue runs", async () => {
    const bad = defineTask({
      type: "bad",
      params: anything,
      retry: { maxAttempts: 1 },
      run: () => {
        throw new Error("no");
      },
    });
    const after = defineTask({
      type: "after",
      params: anything,
      run: async (_params, ctx) => (await ctx.dependencies()).map(({ state, failure }) => [state, failure?.message]),
    });
    const engine = await shop.engine([bad, after]);
    const first = await engine.tasks.submit(bad, {});
    const then = await engine.tasks.submit(after, {}, { dependsOn: [first.id] });
    const rescue = await engine.tasks.submit(after, {}, { dependsOn: [{ id: first.id, outcome: "failed" }] });
    await engine.start();
    await expect(then.result()).rejects.toMatchObject({
      code: "cancelled",
      details: { failure: { code: "dependency_unmet" } },
    });
    expect(await rescue.result()).toEqual([["failed", "no"]]);
  });
});

describe("ending a task from outside", () => {
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

  it("cancels a running one through another engine, and its handler hears of it", async () => {
    const [started, heard] = [latch(), latch<unknown>()];
    const task = defineTask({
      type: "cancelled",
      params: anything,
      run: async (_params, { signal }) => {
        started.open();
        await untilAborted(signal).catch(heard.open);
        signal.throwIfAborted();
      },
    });
    const engine = await shop.engine([task]);
    const elsewhere = await shop.engine([], { store: `file:${shop.path}` });
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});
    await started.promise;
    expect(await elsewhere.tasks.cancel(submitted.id)).toMatchObject({ state: "running" });
    expect(await heard.promise).toMatchObject({ code: "cancelled" });
    await expect(submitted.result()).rejects.toMatchObject({ code: "cancelled" });
    expect(await engine.tasks.attempts(submitted.id)).toMatchObject([{ state: "cancelled", returned: null }]);
  });

  it("removes a running one at once; a success that comes later does not bring it back", async () => {
    const [started, gate] = [latch(), latch()];
    let ended = false;
    const task = defineTask({
      type: "removed",
      params: anything,
      run: async (_params, { signal }) => {
        started.open();
        await untilAborted(signal).catch(() => undefined);
        await gate.promise;
        ended = true;
        return "success after all";
      },
    });
    const engine = await shop.engine([task], { abortGraceMs: 60_000 });
    await engine.start();
    const id = "0190163d-8694-739b-aea5-966c26f8ad91";
    const submitted = await engine.tasks.submit(task, {}, { id });
    await started.promise;
    expect(await engine.tasks.remove(id)).toBe(true);
    await expect(submitted.result()).rejects.toMatchObject({ code: "task_not_found" });
    gate.open();
    await until("the handler is over", () => ended && engine.status().running === 0);
    expect(await engine.tasks.get(id)).toBeNull();
    expect(await engine.tasks.remove(id)).toBe(false);
  });

  it("stops waiting for a result when its signal says so", async () => {
    const task = defineTask({ type: "idle", params: anything, run: () => 1 });
    const engine = await shop.engine([task]);
    const submitted = await engine.tasks.submit(task, {});
    const leave = new AbortController();
    const waiting = submitted.result({ signal: leave.signal });
    leave.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(submitted.result({ signal: leave.signal })).rejects.toThrow("enough");
    await expect(engine.tasks.cancel(submitted.id)).resolves.toMatchObject({ state: "cancelled" });
    await expect(engine.tasks.cancel("0190163d-8694-739b-aea5-966c26f8ad91")).rejects.toMatchObject({
      code: "task_not_found",
    });
  });
});
