import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

const soon = { backoff: { kind: "fixed", delayMs: 1 } } as const;

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
    expect((await engine.tasks.get(late.id))?.attempt).toBeLessThanOrEqual(1);
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
