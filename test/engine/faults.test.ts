/** Stores that fill up, may not be written, are locked or are closed under an engine at work. */
import { rmSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, openEngine } from "../../src/index.js";
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from "../../src/machines/conformance/small-disk.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, freshDir, latch, type Workshop } from "./workshop.js";

let shop: Workshop | null = null;
afterEach(async () => {
  await shop?.dispose();
  shop = null;
});

const noDisk = whyNoSmallDisk();

/** A workshop on a disk of 4 MiB, which goes with it. */
async function smallWorkshop(): Promise<{ readonly here: Workshop; readonly disk: SmallDisk }> {
  const disk = mountSmallDisk(freshDir(), "4m");
  const here = await createWorkshop({ disk });
  shop = here;
  return { here, disk };
}

const count = defineTask({ type: "count", params: z.number(), run: (n) => n });

/** A task whose handler says when it begins, and ends with `result` once it is let go. */
function heldTask(result: string) {
  const [started, gate] = [latch(), latch()];
  let calls = 0;
  const task = defineTask({
    type: "held",
    params: anything,
    run: async () => {
      calls += 1;
      started.open();
      await gate.promise;
      return result;
    },
  });
  return { task, started: started.promise, letGo: () => gate.open(), calls: () => calls };
}

describe.skipIf(noDisk !== null)(`a small file system${noDisk === null ? "" : ` (skipped: ${noDisk})`}`, () => {
  it("that fills up refuses submissions as store_full; nothing acknowledged is missing, and all of it is executed", async () => {
    const { here, disk } = await smallWorkshop();
    const engine = await here.engine([count]);
    const acknowledged: string[] = [];
    const refused: unknown[] = [];
    for (let round = 0; refused.length === 0; round += 1) {
      const params = Array.from({ length: 50 }, (_, n) => round * 50 + n);
      const answers = await Promise.allSettled(
        params.map((n) => engine.tasks.submit(count, n, { tags: ["x".repeat(500)] })),
      );
      for (const answer of answers) {
        if (answer.status === "fulfilled") acknowledged.push(answer.value.id);
        else refused.push(answer.reason);
      }
    }
    expect(refused[0]).toMatchObject({ code: "store_full" });
    expect((await here.store.tasks.getTasks(acknowledged)).size).toBe(acknowledged.length);
    disk.resize("16m");
    await engine.start();
    await Promise.all(acknowledged.map((id) => engine.tasks.result(id)));
  });

  it("that is full when a handler ends has the end recorded once there is space, without executing it again", async () => {
    const { here, disk } = await smallWorkshop();
    const held = heldTask("x".repeat(100_000));
    const told: string[] = [];
    const engine = await here.engine([held.task], { log: (event) => void told.push(event) });
    await engine.start();
    const submitted = await engine.tasks.submit(held.task, {});
    await held.started;
    const filling = disk.fill();
    held.letGo();
    await until("the end was tried in vain", () => told.includes("task.end_delayed"));
    rmSync(filling);
    expect(await submitted.result()).toHaveLength(100_000);
    expect([held.calls(), (await engine.tasks.get(submitted.id))?.attempt]).toEqual([1, 1]);
  });

  it("that is read-only lets tasks be read, and refuses submissions and the start of an engine", async () => {
    const { here, disk } = await smallWorkshop();
    const engine = await here.engine([count]);
    const known = await engine.tasks.submit(count, 1);
    await engine.close();
    await here.store.close();
    expect(disk.setReadOnly(true)).toBe(true);
    const reader = await openEngine({ store: `file:${here.path}`, tasks: [count] });
    expect(await reader.tasks.get(known.id)).toMatchObject({ state: "queued" });
    await expect(reader.tasks.submit(count, 2)).rejects.toMatchObject({ code: "store_unwritable" });
    await expect(reader.start()).rejects.toMatchObject({ code: "store_unwritable" });
    expect(reader.status().state).toBe("stopped");
    await reader.close();
  });
});

describe("a store that is locked by another process", () => {
  it("blocks no timer, has submissions wait, and then refuses them as store_busy", async () => {
    shop = await createWorkshop({ patienceMs: 150 });
    const engine = await shop.engine([count]);
    const other = new Database(shop.path);
    other.exec("BEGIN EXCLUSIVE");
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 1);
    await expect(engine.tasks.submit(count, 1)).rejects.toMatchObject({ code: "store_busy" });
    clearInterval(ticking);
    other.exec("COMMIT");
    other.close();
    expect(ticks).toBeGreaterThan(1);
    expect((await engine.tasks.submit(count, 1)).outcome).toBe("created");
  });

  it("delays the end of an attempt, which is recorded when the lock is gone", async () => {
    shop = await createWorkshop({ patienceMs: 50 });
    const held = heldTask("done");
    const told: string[] = [];
    const engine = await shop.engine([held.task], { log: (event) => void told.push(event) });
    await engine.start();
    const submitted = await engine.tasks.submit(held.task, {});
    await held.started;
    const other = new Database(shop.path);
    other.exec("BEGIN IMMEDIATE");
    held.letGo();
    await until("the end was tried in vain", () => told.includes("task.end_delayed"));
    other.exec("COMMIT");
    other.close();
    expect(await submitted.result()).toBe("done");
    expect(held.calls()).toBe(1);
  });
});

describe("an engine that is stopped while another process locks its store", () => {
  it("leaves once it is hurried, and without the end that it could not record", async () => {
    shop = await createWorkshop({ patienceMs: 50 });
    const task = defineTask({ type: "held", params: anything, run: () => gate.promise });
    const gate = latch();
    const told: string[] = [];
    const engine = await shop.engine([task], { abortGraceMs: 100, log: (event) => void told.push(event) });
    await engine.start();
    const { id } = await engine.tasks.submit(task, {});
    await until("it runs", () => engine.status().running === 1);
    const other = new Database(shop.path);
    other.exec("BEGIN IMMEDIATE");
    gate.open();
    await until("the end was tried in vain", () => told.includes("task.end_delayed"));
    const hurry = new AbortController();
    const stopped = engine.stop({ graceMs: 3_600_000, hurry: hurry.signal });
    hurry.abort();
    await stopped;
    other.exec("COMMIT");
    other.close();
    expect(told).toContain("task.end_lost");
    expect(await engine.tasks.get(id)).toMatchObject({ state: "running" });
  });
});

describe("a store that is closed under load", () => {
  it("refuses what comes after, and keeps all that it acknowledged", async () => {
    shop = await createWorkshop();
    const engine = await openEngine({ store: `file:${shop.path}`, tasks: [count] });
    await engine.start();
    const submissions: Promise<{ readonly id: string }>[] = [];
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 100; n += 1) submissions.push(engine.tasks.submit(count, n));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const closing = engine.close();
    submissions.push(engine.tasks.submit(count, 1));
    const answers = await Promise.allSettled(submissions);
    await closing;
    const kept = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.id] : []));
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "invalid_state" });
    }
    expect((await shop.store.tasks.getTasks(kept)).size).toBe(kept.length);
    expect(kept.length).toBeGreaterThanOrEqual(2_000);
    await expect(engine.tasks.submit(count, 1)).rejects.toMatchObject({ code: "invalid_state" });
    await expect(engine.tasks.get(kept[0] ?? "")).rejects.toMatchObject({ code: "invalid_state" });
    expect((await shop.store.tasks.listTasks({ states: ["running"] }, { limit: 9 })).length).toBe(0);
  });
});
