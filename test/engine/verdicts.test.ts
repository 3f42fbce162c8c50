/** What engines make of the verdicts of handlers that supervise. */
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/domain/canonical-json.js";
import { Verdict, type VerdictEnd } from "../../src/engine/verdict.js";
import { defineTask, type TaskDefinition, WaybillError } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop } from "./workshop.js";

const shop = perTest(createWorkshop);

const NOTHING_COUNTED = { succeeded: 0, failed: 0, waiting: 0, cancelled: 0, refused: 0 };

/** A task whose handler returns a verdict, executed once. */
async function judged(
  end: VerdictEnd,
  over: Partial<TaskDefinition> = {},
  result: JsonValue = { v: 2, kind: "success" },
) {
  const judge = defineTask({
    type: "judge",
    params: anything,
    retry: { maxAttempts: 1 },
    run: () => new Verdict(end, JSON.stringify(result)),
  });
  const engine = await shop.engine([{ ...judge, ...over }], { quarantineAfter: 1 });
  await engine.start();
  const { id } = await engine.tasks.submit(judge, null);
  await until("the attempt is over", async () => (await shop.store.attempts.listAttempts(id))[0]?.endedAt != null);
  const [attempt] = await shop.store.attempts.listAttempts(id);
  return { task: await shop.store.tasks.getTask(id), attempt, engine };
}

describe("the verdict of a handler that supervises", () => {
  it("completes the task with the worker's answer, which stays with the attempt", async () => {
    const { task, attempt } = await judged({ as: "completed" });
    const result = { v: 2, kind: "success" };
    expect([task?.state, task?.result, attempt?.state, attempt?.result]).toEqual([
      "completed",
      result,
      "succeeded",
      result,
    ]);
  });

  it.each<[string, VerdictEnd, object, object, object]>([
    [
      "a failure, by the retry policy",
      { as: "failed", error: new WaybillError("nonzero_exit", "It exited with 3.") },
      { state: "failed", failures: 1, failure: { code: "nonzero_exit" } },
      { state: "failed" },
      { failed: 1 },
    ],
    [
      "a loss, by the engine's limit of crashes",
      { as: "lost", failure: { code: "lost", name: null, message: "killed" } },
      { state: "failed", failures: 0, crashes: 1, failure: { code: "quarantined" } },
      { state: "lost" },
      { failed: 1 },
    ],
    [
      "a cancel",
      { as: "cancelled", failure: { code: "cancelled", name: null, message: "no use" } },
      { state: "cancelled" },
      { state: "cancelled" },
      { cancelled: 1 },
    ],
    [
      "a review",
      { as: "waiting", for: "review", question: "good?" },
      { state: "queued", gate: "review", question: "good?" },
      { state: "cancelled", returned: "review" },
      { waiting: 1 },
    ],
    [
      "a return",
      { as: "returned", reason: "released", delayMs: 60_000 },
      { state: "scheduled", failures: 0 },
      { state: "cancelled", returned: "released" },
      {},
    ],
  ])(
    "makes of %s what the table says, counts it so, and keeps the answer",
    async (_name, end, task, attempt, counts) => {
      const found = await judged(end, {}, { kind: "x" });
      expect(found.task).toMatchObject(task);
      expect(found.attempt).toMatchObject({ ...attempt, result: { kind: "x" } });
      await found.engine.stop();
      expect(found.engine.status()).toMatchObject({ ...NOTHING_COUNTED, ...counts });
    },
  );

  it("is counted as a cancellation when it asks something about a task that is to end", async () => {
    const asking = new Verdict({ as: "waiting", for: "answer", question: "which?" });
    const asks = defineTask({
      type: "asks",
      params: anything,
      run: (_params, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(asking))),
    });
    const engine = await shop.engine([asks]);
    await engine.start();
    const { id } = await engine.tasks.submit(asks, null);
    await until("it runs", () => engine.status().running === 1);
    await engine.tasks.cancel(id);
    await until("it has ended", async () => (await engine.tasks.get(id))?.state === "cancelled");
    await engine.stop();
    expect(engine.status()).toMatchObject({ ...NOTHING_COUNTED, cancelled: 1 });
  });

  it("gives way to the time limit when it only tells how the attempt went down", async () => {
    const run: TaskDefinition["run"] = (_params, { signal }) =>
      new Promise((resolve) => {
        const fell = new Verdict({ as: "lost", failure: { code: "lost", name: null, message: "killed" } }, '{"k":1}');
        signal.addEventListener("abort", () => resolve(fell));
      });
    const { task, attempt } = await judged({ as: "completed" }, { run, timeoutMs: 30 });
    expect(task).toMatchObject({ state: "failed", crashes: 0, failure: { code: "timeout" } });
    expect(attempt).toMatchObject({ state: "timed_out", result: { k: 1 } });
  });

  it("leaves an end alone that was recorded through the store, and counts no refusal", async () => {
    const run: TaskDefinition["run"] = async (_params, { taskId, fence }) => {
      const guard = await shop.store.workers.findGuard(taskId, fence);
      if (guard === null) throw new Error("it does not run");
      await shop.store.attempts.endAttempts([{ guard, end: { state: "succeeded", result: "7" } }]);
      return new Verdict({ as: "recorded" });
    };
    const { task, engine } = await judged({ as: "completed" }, { run });
    await until("nothing runs", () => engine.status().running === 0);
    expect(task).toMatchObject({ state: "completed", result: 7 });
    expect(engine.status()).toMatchObject({ refused: 0 });
    expect(await shop.store.staleWritesRefused()).toBe(0);
  });
});
