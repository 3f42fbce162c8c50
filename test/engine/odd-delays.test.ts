/** Delays and texts that no store could hold, as handlers come to say them: each is its own task's affair. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, type Engine, NeedsInput, RetryableError, Snooze, type TaskDefinition } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop } from "./workshop.js";

const shop = perTest(createWorkshop);

const HOUR_MS = 3_600_000;
const longer = { maxAttempts: 2, backoff: { kind: "fixed", delayMs: HOUR_MS } } as const;
const neighbour = defineTask({ type: "neighbour", params: z.number(), run: (n) => n });

/** An engine that executes `task` beside others; resolves when its attempt is recorded and the others are done. */
async function recordBeside(task: TaskDefinition): Promise<{ readonly engine: Engine; readonly id: string }> {
  const engine = await shop.engine([task, neighbour]);
  await engine.start();
  const [odd, ...others] = await Promise.all([
    engine.tasks.submit(task.type, {}),
    ...[1, 2, 3].map((n) => engine.tasks.submit(neighbour, n)),
  ]);
  expect(await Promise.all(others.map((one) => one.result()))).toEqual([1, 2, 3]);
  await until("its end is recorded", async () => {
    const [first] = await engine.tasks.attempts(odd.id);
    return first !== undefined && first.state !== "running";
  });
  return { engine, id: odd.id };
}

const throwing = (thrown: () => unknown): TaskDefinition =>
  defineTask({
    type: "odd",
    params: anything,
    retry: longer,
    run: () => {
      throw thrown();
    },
  });

describe("a delay with a fraction", () => {
  it.each<[what: string, task: TaskDefinition, returned: string | null]>([
    ["a snooze", throwing(() => new Snooze(HOUR_MS + 0.5)), "snoozed"],
    ["a retry", throwing(() => new RetryableError("r", { afterMs: HOUR_MS + 0.7 })), null],
    [
      "a sleep",
      defineTask({ type: "odd", params: anything, run: (_params, ctx) => ctx.sleep("n", HOUR_MS + 0.5) }),
      "sleeping",
    ],
    [
      "a delay of its own",
      defineTask({
        type: "odd",
        params: anything,
        retry: { delay: () => HOUR_MS + 0.3 },
        run: () => Promise.reject(new Error("no")),
      }),
      null,
    ],
    [
      "a backoff",
      defineTask({
        type: "odd",
        params: anything,
        retry: { backoff: { kind: "fixed", delayMs: HOUR_MS + 0.5 } },
        run: () => Promise.reject(new Error("no")),
      }),
      null,
    ],
  ])("is rounded up, of %s", async (_what, task, returned) => {
    const { engine, id } = await recordBeside(task);
    expect(await engine.tasks.attempts(id)).toMatchObject([{ returned }]);
    const runAt = (await engine.tasks.get(id))?.runAt ?? 0;
    expect([Number.isSafeInteger(runAt), runAt > Date.now()]).toEqual([true, true]);
  });
});

describe("a delay that is none", () => {
  it.each([Number.POSITIVE_INFINITY, Number.NaN, 1e300, "soon"])(
    "fails the attempt that snoozes for %s, and says why",
    async (ms) => {
      const { engine, id } = await recordBeside(throwing(() => new Snooze(ms as number)));
      expect(await engine.tasks.attempts(id)).toMatchObject([{ state: "failed", failure: { name: "Snooze" } }]);
      const { state, failures, failure } = (await engine.tasks.get(id)) ?? {};
      expect({ state, failures }).toEqual({ state: "scheduled", failures: 1 });
      expect(failure?.message).toContain("expected a number of milliseconds up to");
    },
  );

  it.each([Number.POSITIVE_INFINITY, Number.NaN])(
    "leaves the time of a retry after %s to the policy, and says why",
    async (afterMs) => {
      const { engine, id } = await recordBeside(throwing(() => new RetryableError("not there", { afterMs })));
      const failure = (await engine.tasks.get(id))?.failure;
      expect(failure?.message).toMatch(/^not there .*afterMs is .*expected a number of milliseconds up to/);
    },
  );

  it("fails the attempt that sleeps so, and not one that comes by when its sleep is over", async () => {
    const task = defineTask({
      type: "odd",
      params: anything,
      retry: longer,
      run: (_params, ctx) => ctx.sleep("n", Number.NaN),
    });
    const { engine, id } = await recordBeside(task);
    expect(await engine.tasks.get(id)).toMatchObject({
      state: "scheduled",
      failures: 1,
      failure: { code: "task_failed", message: expect.stringContaining('sleep "n" is NaN') },
    });
    let left = 1_500;
    const again = defineTask({
      type: "again",
      params: anything,
      run: async (_params, ctx) => {
        await ctx.sleep("until", left);
        return ctx.attempt;
      },
    });
    const other = await shop.engine([again]);
    await other.start();
    const submitted = await other.tasks.submit(again, {});
    await until("it sleeps", async () => (await other.tasks.get(submitted.id))?.state === "scheduled");
    left = -5;
    expect(await submitted.result()).toBe(2);
  });

  it("is not one that is over already", async () => {
    const task = defineTask({
      type: "late",
      params: anything,
      run: async (_params, ctx) => {
        await ctx.sleep("until then", -5);
        if (ctx.attempt === 1) throw new Snooze(-0.5);
        return ctx.attempt;
      },
    });
    const engine = await shop.engine([task]);
    await engine.start();
    expect(await (await engine.tasks.submit(task, {})).result()).toBe(2);
  });

  it("of the task's own delay is told in the log, and the backoff decides", async () => {
    const told: string[] = [];
    const task = defineTask({
      type: "odd",
      params: anything,
      retry: { ...longer, delay: () => Number.NaN },
      run: () => Promise.reject(new Error("no")),
    });
    const engine = await shop.engine([task], { log: (event) => void told.push(event) });
    await engine.start();
    const { id } = await engine.tasks.submit(task, {});
    await until("it waits", async () => (await engine.tasks.get(id))?.state === "scheduled");
    expect(told).toContain("task.retry_delay_failed");
  });
});

describe("a question that is no text", () => {
  it.each<[what: string, thrown: () => unknown, shown: string]>([
    ["nothing", () => new (NeedsInput as unknown as new () => NeedsInput)(), "undefined"],
    ["an object", () => new NeedsInput({ a: 1 } as unknown as string), "{ a: 1 }"],
  ])("is asked as it prints: %s", async (_what, thrown, shown) => {
    const { engine, id } = await recordBeside(throwing(thrown));
    expect(await engine.tasks.get(id)).toMatchObject({ state: "queued", gate: "answer" });
    expect(await shop.store.notes.listNotes(id, { after: 0, limit: 9 })).toMatchObject([
      { kind: "question", text: shown },
    ]);
  });
});

describe("an error that is not what errors are", () => {
  const named = (name: unknown) => Object.defineProperty(new Error("odd"), "name", { value: name });
  const saying = (message: unknown) => Object.defineProperty(new Error("odd"), "message", { value: message });
  const explosive = (key: string) =>
    Object.defineProperty(new Error("odd"), key, {
      get: () => {
        throw new Error("boom");
      },
    });
  const traps = new Proxy(new Error("odd"), {
    get: () => {
      throw new Error("boom");
    },
    getPrototypeOf: () => {
      throw new Error("boom");
    },
  });
  const orphan = Object.setPrototypeOf(
    Object.assign(new Error("odd"), { name: "Orphan" }),
    Object.create(Error.prototype, { constructor: { value: undefined } }) as object,
  );
  it.each<[what: string, thrown: unknown, message: string]>([
    ["a name that is an object", named({ a: 1 }), "odd"],
    ["a name that is a symbol", named(Symbol("s")), "odd"],
    ["a message that is an object", saying({ a: 1 }), "{ a: 1 }"],
    ["a message that is a symbol", saying(Symbol("s")), "Symbol(s)"],
    ["no message", saying(undefined), "undefined"],
    ["a message that throws", explosive("message"), "what cannot be shown"],
    ["a name that throws", explosive("name"), "odd"],
    ["traps for whoever looks", traps, ""],
    ["no class", orphan, "odd"],
    [
      "an inspection that throws",
      {
        [Symbol.for("nodejs.util.inspect.custom")]: () => {
          throw new Error("boom");
        },
      },
      "what cannot be shown",
    ],
  ])("fails its attempt all the same: with %s", async (_what, thrown, message) => {
    const { engine, id } = await recordBeside(throwing(() => thrown));
    expect((await engine.tasks.get(id))?.failure?.message).toContain(message);
  });
});
