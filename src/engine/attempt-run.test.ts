import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { livenessOf, thisProcess } from "../machines/process-identity.js";
import { silentLog } from "../observe/log.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { AttemptRun } from "./attempt-run.js";
import type { EngineRuntime } from "./runtime.js";
import { defineTask } from "./task-definition.js";

const DAY_MS = 86_400_000;
/** More than Node's timers hold: 24.8 days. */
const MONTH_MS = 40 * DAY_MS;

const task = {
  id: "01a1fefb-6443-74ac-a181-1b7a23ded768",
  sequence: 1,
  type: "patient",
  run: 1,
  attempt: 1,
  failures: 0,
  crashes: 0,
  maxAttempts: null,
  timeoutMs: null,
  deadlineAt: null,
  parentId: null,
  trace: null,
  submittedAt: 0,
  fence: 1,
  params: "{}",
  tags: [],
  paths: [],
};

const endless = defineTask({
  type: "patient",
  params: z.object({}),
  timeoutMs: MONTH_MS,
  run: (_params, ctx) =>
    new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
});

describe("a limit that is longer than any timer", () => {
  let store: Store;
  let runtime: EngineRuntime;

  beforeEach(async () => {
    store = await openStore("memory:");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    runtime = {
      store,
      definitions: new Map(),
      holder: thisProcess(),
      liveness: livenessOf,
      newId: () => "id",
      random: () => 0,
      clock: Date.now,
      log: silentLog,
      observe: () => undefined,
      around: (_attempt, run) => run(),
      concurrency: 1,
      prefetch: 0,
      leaseMs: 1_000,
      abortGraceMs: 1_000,
      quarantineAfter: 3,
      keepEndedMs: null,
      enrolment: null,
      tags: [],
      mostAttempts: Number.POSITIVE_INFINITY,
    };
  });
  afterEach(async () => {
    vi.useRealTimers();
    await store.close();
  });

  it("ends the attempt when it is over, and not before", async () => {
    const run = new AttemptRun(runtime, endless, task);
    const end = run.execute();
    run.armLimit();
    await vi.advanceTimersByTimeAsync(MONTH_MS - 1);
    expect(run.interruption).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(await end).toMatchObject({ end: { state: "timed_out", failure: { code: "timeout" } } });
  });

  it("gives way to a deadline that comes before", async () => {
    const run = new AttemptRun(runtime, endless, { ...task, deadlineAt: Date.now() + 30 * DAY_MS });
    const end = run.execute();
    run.armLimit();
    await vi.advanceTimersByTimeAsync(30 * DAY_MS);
    expect(await end).toMatchObject({ end: { state: "timed_out", failure: { code: "deadline_exceeded" } } });
  });
});
