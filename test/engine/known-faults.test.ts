/** What other engines are known to get wrong, each as a fact of this one. More of them are in the files beside this one. */
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, TerminalError } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const ID = "0190163d-8694-739b-aea5-966c26f8ad91";

const shop = perTest(() => createWorkshop({ patienceMs: 100 }));

/** A handler that is deaf to its signal, and says when it is over. */
function deaf() {
  const [started, gate] = [latch(), latch()];
  const state = { calls: 0, over: 0 };
  const task = defineTask({
    type: "deaf",
    params: z.object({ n: z.number() }),
    run: async ({ n }, ctx) => {
      state.calls += 1;
      if (n === 2) return "the second";
      started.open();
      await gate.promise;
      ctx.log("late");
      state.over += 1;
      return "the first, late";
    },
  });
  return { task, started, gate, state };
}

describe("an engine", () => {
  it("loses no work at its shutdown: a handler that finishes in the grace time is recorded before the store is closed", async () => {
    const started = latch();
    const task = defineTask({
      type: "finishing",
      params: anything,
      run: async () => {
        started.open();
        await new Promise((resolve) => setTimeout(resolve, 50));
        return "flushed";
      },
    });
    const engine = await shop.engine([task], { store: `file:${shop.path}` });
    await engine.start();
    const { id } = await engine.tasks.submit(task, {});
    await started.promise;
    await engine.close();
    expect(await shop.store.tasks.getTask(id)).toMatchObject({ state: "completed", result: "flushed" });
  });

  it("never lets an old execution write over a task that was removed and submitted again under its id", async () => {
    const { task, started, gate, state } = deaf();
    const engine = await shop.engine([task], { abortGraceMs: 60_000 });
    await engine.start();
    await engine.tasks.submit(task, { n: 1 }, { id: ID });
    await started.promise;
    await engine.tasks.remove(ID);
    const second = await engine.tasks.submit(task, { n: 2 }, { id: ID });
    expect(await second.result()).toBe("the second");
    gate.open();
    await until("the first is over", () => state.over === 1 && engine.status().running === 0);
    expect(await engine.tasks.get(ID)).toMatchObject({ params: { n: 2 }, result: "the second", attempt: 1 });
    expect(await engine.tasks.log(ID)).toEqual([]);
  });

  it("takes an abort error that the handler throws on its own for the failure that it is", async () => {
    const task = defineTask({
      type: "inner",
      params: anything,
      retry: { maxAttempts: 1 },
      run: () => {
        throw new DOMException("an inner request was aborted", "AbortError");
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});
    await expect(submitted.result()).rejects.toMatchObject({ code: "task_failed" });
    expect(await engine.tasks.get(submitted.id)).toMatchObject({ state: "failed", failure: { name: "AbortError" } });
  });

  it("takes whatever a cancelled handler throws for the end of a cancelled task", async () => {
    const started = latch();
    const task = defineTask({
      type: "angry",
      params: anything,
      run: (_params, { signal }) => {
        started.open();
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(new TypeError("angry"))),
        );
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});
    await started.promise;
    await engine.tasks.cancel(submitted.id);
    await expect(submitted.result()).rejects.toMatchObject({ code: "cancelled" });
    expect(await engine.tasks.get(submitted.id)).toMatchObject({ state: "cancelled", failures: 0 });
  });

  it("says that a removal failed, leaves the task as it was, and removes it when asked again", async () => {
    const { task, started, gate } = deaf();
    const engine = await shop.engine([task]);
    await engine.start();
    await engine.tasks.submit(task, { n: 1 }, { id: ID });
    await started.promise;
    const other = new Database(shop.path);
    other.exec("BEGIN IMMEDIATE");
    await expect(engine.tasks.remove(ID)).rejects.toMatchObject({ code: "store_busy" });
    expect(await engine.tasks.get(ID)).toMatchObject({ state: "running" });
    other.exec("COMMIT");
    other.close();
    expect(await engine.tasks.remove(ID)).toBe(true);
    expect(await engine.tasks.get(ID)).toBeNull();
    gate.open();
  });

  it("keeps what kind of failure it was, and whether it was final", async () => {
    const task = defineTask({
      type: "final",
      params: anything,
      run: () => {
        throw new TerminalError("the account is closed");
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    const submitted = await engine.tasks.submit(task, {});
    const failure = { code: "task_failed", name: "TerminalError", message: "the account is closed" };
    await expect(submitted.result()).rejects.toMatchObject({ details: { failure } });
    expect(await engine.tasks.attempts(submitted.id)).toMatchObject([{ state: "failed", failure }]);
  });

  it("forgets everything about an attempt that is over", async () => {
    const task = defineTask({ type: "brief", params: anything, run: () => 1 });
    const engine = await shop.engine([task]);
    await engine.start();
    const tasks = await Promise.all(Array.from({ length: 10 }, () => engine.tasks.submit(task, {})));
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(10);
    expect(await Promise.all(tasks.map((one) => one.result()))).toEqual(Array(10).fill(1));
    await until("nothing runs", () => engine.status().running === 0);
    const { fence } = engine.status();
    expect(await shop.store.attempts.readSignals(fence ?? 0)).toEqual([]);
  });

  it("keeps results, params, ids and removals over a restart, and no failed write of a later task changes them", async () => {
    const task = defineTask({
      type: "kept",
      params: z.object({ n: z.number() }),
      run: ({ n }) => (n < 0 ? null : { n }),
    });
    const first = await shop.engine([task], { store: `file:${shop.path}` });
    await first.start();
    const [kept, empty, gone] = await first.tasks.submitMany(task, [
      { params: { n: 1 } },
      { params: { n: -1 } },
      { params: { n: 3 } },
    ]);
    await Promise.all([kept, empty, gone].map((one) => one?.result()));
    await first.tasks.remove(gone?.id ?? "");
    await first.close();
    const second = await shop.engine([task], { store: `file:${shop.path}` });
    expect(await second.tasks.get(kept?.id ?? "")).toMatchObject({ params: { n: 1 }, result: { n: 1 }, run: 1 });
    expect(await second.tasks.get(empty?.id ?? "")).toMatchObject({ state: "completed", result: null });
    expect(await second.tasks.get(gone?.id ?? "")).toBeNull();
  });
});

describe("an engine's store", () => {
  it("does not grow for ever: what ended long ago goes, with its events", async () => {
    const task = defineTask({ type: "old", params: anything, run: () => 1 });
    const first = await shop.engine([task]);
    await first.start();
    const { id } = await first.tasks.submit(task, {});
    await first.tasks.result(id);
    await first.close();
    const second = await shop.engine([task], { keepEndedMs: 1, leaseMs: 100 });
    await second.start();
    await until("it is gone", async () => (await second.tasks.get(id)) === null);
    await until("nothing but its removal is told", async () => {
      const events = await shop.store.events.readEvents(0, { subject: id }, 9);
      return events.map(({ type }) => type).join() === "task.removed";
    });
  });
});

describe("two engines on one store", () => {
  it("execute each task once, whichever gets it", async () => {
    const seen: number[] = [];
    const task = defineTask({ type: "shared", params: z.number(), run: (n) => void seen.push(n) });
    const engines = await Promise.all([1, 2].map(() => shop.engine([task], { store: `file:${shop.path}` })));
    for (const engine of engines) await engine.start();
    const tasks = await engines[0]?.tasks.submitMany(
      task,
      Array.from({ length: 2_000 }, (_, n) => ({ params: n })),
    );
    await Promise.all(tasks?.map((one) => one.result()) ?? []);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
    const done = engines.map((engine) => engine.status().succeeded);
    expect(done.reduce((a, b) => a + b, 0)).toBe(2_000);
  });
});
