/** Handlers in threads of their own, with the library as it is published: threads are started from its files. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as Library from "../../src/index.js";
import { builtDist } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { createWorkshop } from "./workshop.js";

type Definition = Library.TaskDefinition;
type Definitions = Record<"where" | "dies" | "child" | "uses" | "stops" | "blocks" | "naps" | "asks", Definition>;

const FIXTURE = fileURLToPath(new URL("../fixtures/tasks/isolated.mjs", import.meta.url));

const shop = perTest(createWorkshop);
let engine: Library.Engine;
let types: Definitions;
beforeEach(async () => {
  const lib = pathToFileURL(join(builtDist(), "index.js")).href;
  vi.stubEnv("WAYBILL_TEST_LIB", lib);
  types = (await import(FIXTURE)) as Definitions;
  const library = (await import(lib)) as typeof Library;
  engine = await library.openEngine({ store: `file:${shop.path}`, tasks: Object.values(types), abortGraceMs: 50 });
  await engine.start();
});
afterEach(async () => {
  await engine.close({ graceMs: 0 });
  vi.unstubAllEnvs();
});

describe("an isolated handler", () => {
  it("runs in a thread of its own, with everything that a context has", async () => {
    const found = await (await engine.tasks.submit(types.where, null)).result();
    expect(found).toMatchObject({ isMainThread: false });

    const task = await engine.tasks.submit(types.uses, null);
    const result = (await task.result()) as { outer: number[]; id: string };
    const steps = await engine.tasks.steps(task.id);
    expect(steps.map(({ name, attempt }) => [name, attempt])).toEqual([
      ["outer/inner", 1],
      ["outer", 1],
      ["short", 2],
      ["child", 2],
    ]);
    expect(JSON.parse(steps[1]?.result ?? "")).toEqual(result.outer);
    expect(await engine.tasks.result(result.id)).toBe(42);
    expect(await engine.tasks.get(task.id)).toMatchObject({ progress: { half: true }, failures: 1 });
    expect((await engine.tasks.log(task.id)).map(({ line }) => line)).toEqual(["from a thread", "from a thread"]);
  });

  it.each([
    ["exits", "exit", "ended with code 3"],
    ["aborts", "abort", "process.abort"],
    ["takes all memory", "memory", "memory"],
    ["throws where nobody listens", "later", "out of band"],
  ])("that %s fails its attempt, and the engine lives", { timeout: 60_000 }, async (_what, how, found) => {
    const task = await engine.tasks.submit(types.dies, how);
    await expect(task.result()).rejects.toMatchObject({ code: "task_failed", message: expect.stringContaining(found) });
    expect(await (await engine.tasks.submit(types.child, 4)).result()).toBe(8);
  });

  it("throws as one at home does: its class, a snooze, params that do not fit", async () => {
    const thrown = await engine.tasks.submit(types.dies, "throw");
    await expect(thrown.result()).rejects.toMatchObject({
      details: { failure: { name: "RangeError", message: "thrown" } },
    });
    expect(await (await engine.tasks.submit(types.naps, null)).result()).toBe(0);
    await expect(engine.tasks.submit(types.child, "x")).rejects.toMatchObject({ code: "invalid_input" });
  });

  it.each([
    ["an error with odd parts", "oddly", { name: "constructor", message: "{ a: 1 }" }],
    ["what is no error", "something", { name: "Error", message: "7n" }],
    ["a snooze without end", "endless", { name: "Snooze", message: expect.stringContaining("its time is Infinity") }],
  ])("may throw %s", async (_what, how, failure) => {
    const task = await engine.tasks.submit(types.dies, how);
    await expect(task.result()).rejects.toMatchObject({ details: { failure } });
  });

  it("asks a person, and gets the answer", async () => {
    const task = await engine.tasks.submit(types.asks, null);
    await until("it asks", async () => (await engine.tasks.get(task.id))?.question === "which?");
    await shop.store.notes.answer({ taskId: task.id, by: "zoe", text: "that", accept: false });
    expect(await task.result()).toEqual(["that"]);
  });

  it("hears its signal, and is ended where it cannot", async () => {
    const task = await engine.tasks.submit(types.stops, null);
    await until("it waits", async () => (await engine.tasks.log(task.id)).length === 1);
    await engine.tasks.cancel(task.id);
    await expect(task.result()).rejects.toMatchObject({ code: "cancelled" });
    const threads = (): number => readdirSync("/proc/self/task").length;
    const before = threads();
    const blocked = await engine.tasks.submit(types.blocks, null);
    await expect(blocked.result()).rejects.toMatchObject({ details: { failure: { code: "timeout" } } });
    await until("its thread is gone", () => threads() <= before);
  });
});
