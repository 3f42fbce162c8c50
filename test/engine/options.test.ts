/** Options that mean nothing, as programs without a compiler give them. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, openEngine, type SubmitOptions } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { anything, createWorkshop } from "./workshop.js";

const shop = perTest(createWorkshop);

interface Refused {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

function refusalOf(work: () => unknown): Refused | null {
  try {
    work();
    return null;
  } catch (error) {
    const { code, message, hint } = error as Refused;
    return { code, message, ...(hint === undefined ? {} : { hint }) };
  }
}

const refused = (message: string, hint?: string) => ({
  code: "invalid_input",
  message: expect.stringContaining(message),
  ...(hint === undefined ? {} : { hint: expect.stringContaining(hint) }),
});

const sound = { type: "t", params: anything, run: () => 1 };

describe("a definition", () => {
  it.each<[what: string, options: Record<string, unknown>, message: string, hint?: string]>([
    [
      "handler for run",
      { type: "t", params: anything, handler: () => 1 },
      'Unknown option "handler" of the task "t"; expected type, params, run,',
      'Did you mean "run"?',
    ],
    ["no run", { type: "t", params: anything }, 'run of the task "t" is missing; expected a function'],
    ["no params", { type: "t", run: () => 1 }, 'params of the task "t" is missing; expected a schema'],
    [
      "params that are no schema",
      { ...sound, params: { a: 1 } },
      'params of the task "t" is { a: 1 }; expected a schema',
    ],
    ["no type", { params: anything, run: () => 1 }, "type of a task is missing; expected a text"],
    [
      "maxAttempts at the top",
      { ...sound, maxAttempts: 3 },
      'Unknown option "maxAttempts"',
      'Did you mean "retry.maxAttempts"?',
    ],
    ["timeout", { ...sound, timeout: 3 }, 'Unknown option "timeout"', 'Did you mean "timeoutMs"?'],
    [
      "another spelling within",
      { ...sound, retry: { maxattempts: 3 } },
      'Unknown option "retry.maxattempts" of the task "t"; expected maxAttempts, backoff, byError, delay',
      'Did you mean "maxAttempts"?',
    ],
    [
      "a kind of backoff that there is not",
      { ...sound, retry: { backoff: { kind: "linear", delayMs: 1 } } },
      'retry.backoff.kind of the task "t" is "linear"; expected "fixed" or "exponential"',
    ],
    ["a backoff that is none", { ...sound, retry: { backoff: 5 } }, "retry.backoff of"],
    [
      "a backoff that lacks a part",
      { ...sound, retry: { backoff: { kind: "exponential", firstMs: 1, factor: 2, jitter: 0 } } },
      'retry.backoff.maxMs of the task "t" is missing; expected a number of milliseconds from 0',
    ],
    [
      "a backoff without end",
      { ...sound, retry: { backoff: { kind: "fixed", delayMs: Number.POSITIVE_INFINITY } } },
      "retry.backoff.delayMs of",
    ],
    [
      "a jitter beyond all",
      { ...sound, retry: { backoff: { kind: "exponential", firstMs: 1, factor: 2, maxMs: 9, jitter: 2 } } },
      'retry.backoff.jitter of the task "t" is 2; expected a number from 0 to 1',
    ],
    [
      "a rule by class that is none",
      { ...sound, retry: { byError: { TypeError: "nevr" } } },
      'retry.byError.TypeError of the task "t" is "nevr"',
      'Did you mean "never"?',
    ],
    ["rules by class that are a list", { ...sound, retry: { byError: [] } }, "retry.byError of"],
    ["half a priority", { ...sound, priority: 1.5 }, 'priority of the task "t" is 1.5; expected a whole number'],
    ["an empty isolate", { ...sound, isolate: {} }, "isolate.module of the task"],
    ["half a rate", { ...sound, rateLimit: { max: 3 } }, "rateLimit.perMs of"],
    ["a schedule alone", { ...sound, schedules: { cron: "* * * * *" } }, "schedules of"],
    [
      "a schedule with a policy that there is not",
      { ...sound, schedules: [{ everyMs: 1, params: 1, catchUp: "al" }] },
      "schedules[0].catchUp of",
      'Did you mean "all"?',
    ],
  ])("with %s is refused by name", (_what, options, message, hint) => {
    expect(refusalOf(() => defineTask(options as never))).toMatchObject(refused(message, hint));
  });

  it("with scheduled params that are no JSON is refused", () => {
    const schedules = [{ everyMs: 1, params: 1n }];
    expect(refusalOf(() => defineTask({ ...sound, schedules }))).toMatchObject(
      refused('The params of the schedule "t" cannot be stored as JSON'),
    );
  });

  it("of nothing is refused, and what is undefined counts as left out", () => {
    expect(refusalOf(() => defineTask(undefined as never))).toMatchObject(refused("is missing; expected an object"));
    const options = { ...sound, retry: undefined, priority: undefined, isolate: undefined };
    expect(defineTask(options as never)).toMatchObject({ priority: 0, retry: { maxAttempts: 3 }, isolate: null });
  });
});

describe("an engine", () => {
  const task = defineTask({ type: "known", params: z.number(), run: (n) => n });

  it.each<[what: string, options: Record<string, unknown>, message: string, hint?: string]>([
    ["nothing", {}, "store is missing; expected file:PATH, memory:, or a store that is open"],
    ["no tasks", { store: "memory:" }, "tasks is missing; expected a list"],
    ["a task alone", { store: "memory:", tasks: task }, "tasks is"],
    [
      "what was not given to defineTask",
      { store: "memory:", tasks: [task, sound] },
      'tasks[1]: "t" was not given to defineTask',
      "Give what defineTask returns",
    ],
    [
      "a name that it does not know",
      { store: "memory:", tasks: [], concurency: 2 },
      'Unknown option "concurency"; expected store, tasks,',
      'Did you mean "concurrency"?',
    ],
    [
      "half a handler",
      { store: "memory:", tasks: [], concurrency: 0.5 },
      "concurrency is 0.5; expected a whole number",
    ],
    ["keepEndedMs", { store: "memory:", tasks: [], keepEndedMs: "1d" }, 'keepEndedMs is "1d"'],
  ])("is refused %s", async (_what, options, message, hint) => {
    await expect(openEngine(options as never)).rejects.toMatchObject(refused(message, hint));
  });

  it.each<[options: Record<string, unknown>, message: string, hint?: string]>([
    [{ delayMs: -1 }, "delayMs is -1; expected a whole number from 0"],
    [{ delayMs: 1e300 }, "delayMs is 1e+300"],
    [{ runAt: new Date(Number.NaN) }, "runAt is Invalid Date; expected a Date"],
    [{ tags: "x" }, 'tags is "x"; expected a list'],
    [{ tags: [{}] }, "tags[0] is {}; expected a text"],
    [{ concurrencyKey: {} }, "concurrencyKey is {}; expected a text"],
    [{ trace: {} }, "trace is {}; expected a text"],
    [{ uniqueKey: "" }, 'uniqueKey is ""; expected a text that is not empty'],
    [{ uniqueKey: { key: "k", scope: "activ" } }, 'uniqueKey.scope is "activ"', 'Did you mean "active"?'],
    [{ uniqueKey: { key: "k", scope: { forMs: "1d" } } }, 'uniqueKey.scope.forMs is "1d"'],
    [{ uniqueKey: { key: "k" } }, "uniqueKey.scope is missing"],
    [{ id: 7 }, "id is 7; expected a text"],
    [{ dependsOn: [{ id: "x", outcome: "done" }] }, "dependsOn[0].outcome is"],
    [{ paths: [{ pattern: "a" }] }, "paths[0].mode is missing"],
    [{ retryEnded: "yes" }, "retryEnded is"],
    [{ prority: 1 }, 'Unknown option "prority"', 'Did you mean "priority"?'],
    [{ delay: 5 }, 'Unknown option "delay"', 'Did you mean "delayMs"?'],
  ])("refuses a submission with %o, and takes the others of its turn", async (options, message, hint) => {
    const engine = await shop.engine([task]);
    const answers = await Promise.allSettled([
      engine.tasks.submit(task, 1),
      engine.tasks.submit(task, 2, options as SubmitOptions),
      engine.tasks.submit(task, 3, { tags: ["a"], uniqueKey: { key: "k", scope: { forMs: 5 } } }),
    ]);
    expect(answers).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: refused(message, hint) },
      { status: "fulfilled" },
    ]);
  });

  it.each<[given: unknown, message: string]>([
    [undefined, "The task to submit: undefined is no task definition"],
    [sound, 'The task to submit: "t" was not given to defineTask'],
  ])("refuses to submit %o", async (given, message) => {
    const engine = await shop.engine([task]);
    await expect(engine.tasks.submit(given as never, 1)).rejects.toMatchObject(refused(message));
  });

  it("refuses to submit many of what is no list", async () => {
    const engine = await shop.engine([task]);
    const given = { params: 1 } as never;
    await expect(engine.tasks.submitMany(task, given)).rejects.toMatchObject(
      refused("items of submitMany is { params: 1 }"),
    );
  });
});
