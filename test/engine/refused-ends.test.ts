/** A store that refuses one end for good: a rule of its own, as a trigger, stands for whatever nobody has foreseen. */
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, Snooze } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop } from "./workshop.js";

const shop = perTest(createWorkshop);

/** Has SQLite refuse rows of a table. */
function refuse(table: "attempts" | "tasks", when: string): void {
  const file = new Database(shop.path);
  file.exec(`CREATE TRIGGER odd BEFORE INSERT ON ${table} WHEN ${when} BEGIN SELECT raise(ABORT, 'not this one'); END`);
  file.close();
}

const neighbour = defineTask({ type: "neighbour", params: z.number(), run: (n) => n });
const later = defineTask({
  type: "later",
  params: anything,
  run: () => {
    throw new Snooze(1);
  },
});

describe("an end that the store refuses for good", () => {
  it("is recorded as a failure that says what was refused, and holds up no other", async () => {
    refuse("attempts", "new.returned = 'snoozed'");
    const told: string[] = [];
    const engine = await shop.engine([later, neighbour], { log: (event) => void told.push(event) });
    await engine.start();
    const [odd, ...others] = await Promise.all([
      engine.tasks.submit(later, {}),
      ...[1, 2, 3].map((n) => engine.tasks.submit(neighbour, n)),
    ]);
    expect(await Promise.all(others.map((one) => one.result()))).toEqual([1, 2, 3]);
    await expect(odd.result()).rejects.toMatchObject({
      code: "task_failed",
      details: { failure: { code: "internal", message: expect.stringContaining("not this one") } },
    });
    await until("its end is counted", () => engine.status().failed === 1);
    expect(engine.status()).toMatchObject({ succeeded: 3, waiting: 0, refused: 0 });
    expect(told).toContain("task.end_refused");
  });

  it("is given up when no end at all can be stored: the engine stops, and its lease's end takes the task back", async () => {
    refuse("attempts", "new.seq = 1 AND new.state <> 'lost'");
    const told: string[] = [];
    const log = (event: string) => void told.push(event);
    const engine = await shop.engine([later, neighbour], { log, store: `file:${shop.path}`, leaseMs: 500 });
    const odd = await engine.tasks.submit(later, {});
    const others = await Promise.all([1, 2, 3].map((n) => engine.tasks.submit(neighbour, n)));
    await engine.start();
    expect(await Promise.all(others.map((one) => one.result()))).toEqual([1, 2, 3]);
    await until("it was given up", () => told.includes("task.end_lost"));
    expect(engine.status().refused).toBe(1);
    await engine.close();
    expect(await shop.store.tasks.getTask(odd.id)).toMatchObject({ state: "running" });
    const next = await shop.engine([neighbour], { leaseMs: 500 });
    await next.start();
    await until("it was taken back", async () => (await next.tasks.get(odd.id))?.state === "queued");
    expect(await next.tasks.get(odd.id)).toMatchObject({ crashes: 1 });
  });
});

describe("a submission that the store refuses for good", () => {
  it("rejects alone, of those of its turn", async () => {
    refuse("tasks", "new.params = '13'");
    const engine = await shop.engine([neighbour]);
    await engine.start();
    const answers = await Promise.allSettled([12, 13, 14].map((n) => engine.tasks.submit(neighbour, n)));
    expect(answers).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { code: "invalid_input", message: expect.stringContaining("not this one") } },
      { status: "fulfilled" },
    ]);
    expect(await engine.tasks.list()).toHaveLength(2);
  });
});

describe("a schedule that can submit nothing", () => {
  it("is told of, and holds up no other", async () => {
    const schedules = [{ name: "a-broken", everyMs: 1, params: "none" as never }];
    const broken = defineTask({ type: "broken", params: z.number(), run: () => null, schedules });
    const sound = defineTask({ type: "sound", params: anything, run: () => 1, schedules: [{ everyMs: 2, params: 1 }] });
    const told: string[] = [];
    const engine = await shop.engine([broken, sound], { log: (event, { name }) => void told.push(`${event} ${name}`) });
    await engine.start();
    await until("the other was fired", async () => (await engine.tasks.list({ types: ["sound"] })).length > 0);
    expect(told).toContain("engine.schedule_failed a-broken");
  });
});
