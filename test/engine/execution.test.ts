import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

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

  it("suspends a handler that sleeps, also one that makes something else of the error by which it does", async () => {
    const catches = defineTask({
      type: "catches",
      params: z.enum(["returns", "throws"]),
      retry: { maxAttempts: 1 },
      run: async (how, ctx) => {
        try {
          await ctx.sleep("long", 3_600_000);
        } catch {
          if (how === "throws") throw new Error("something else");
        }
        return "too early";
      },
    });
    const engine = await shop.engine([catches]);
    await engine.start();
    const tasks = await engine.tasks.submitMany(catches, [{ params: "returns" }, { params: "throws" }]);
    for (const { id } of tasks) {
      const task = await until("it sleeps", async () => {
        const found = await engine.tasks.get(id);
        return found?.state === "scheduled" ? found : null;
      });
      expect(task).toMatchObject({ failures: 0, attempt: 1, result: null });
    }
  });
});
