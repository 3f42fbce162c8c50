/** How much an engine claims, and how it tells that there is nothing more. */
import { describe, expect, it } from "vitest";
import { defineTask } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

const quick = defineTask({ type: "quick", params: anything, run: () => null });
const many = (count: number) => Array.from({ length: count }, (_, params) => ({ params }));

describe("an engine that is to make so many attempts", () => {
  it("makes them and claims no more, however many it may claim ahead", async () => {
    const engine = await shop.engine([quick], { mostAttempts: 7, concurrency: 3 });
    await engine.tasks.submitMany(quick, many(20));
    await engine.start();
    await until("seven are done", () => engine.status().succeeded === 7);
    await engine.stop();
    expect((await engine.tasks.stats())[0]?.states).toMatchObject({ completed: 7, queued: 13, running: 0 });
    expect((await engine.tasks.list({ states: ["queued"] })).every(({ attempt }) => attempt === 0)).toBe(true);
  });

  it("is refused when that is no number of attempts", async () => {
    await expect(shop.engine([quick], { mostAttempts: 0 })).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("an engine that observes", () => {
  it("is told that it is idle when nothing is there, and not while something runs", async () => {
    const held = latch();
    const hold = defineTask({ type: "hold", params: anything, run: () => held.promise });
    let idle = 0;
    const observe = ({ kind }: { readonly kind: string }): void => {
      if (kind === "idle") idle += 1;
    };
    const engine = await shop.engine([hold, quick], { observe, concurrency: 2 });
    const task = await engine.tasks.submit(hold, null);
    await engine.start();
    const beside = await engine.tasks.submit(quick, null);
    await beside.result();
    expect(idle).toBe(0);
    held.open();
    await task.result();
    await until("it is idle", () => idle > 0);
  });
});
