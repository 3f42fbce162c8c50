/** Functions of the program around an engine that fail. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { createWorkshop } from "./workshop.js";

const shop = perTest(createWorkshop);
const count = defineTask({ type: "count", params: z.number(), run: (n) => n });

describe("an observer", () => {
  it.each<[how: string, observe: () => void]>([
    [
      "throws",
      () => {
        throw new Error("the meter broke");
      },
    ],
    ["rejects", async () => await Promise.reject(new Error("the meter broke"))],
  ])("that %s is told of in the log, and changes nothing", async (_how, observe) => {
    const told: string[] = [];
    const log = (event: string, { error }: Readonly<Record<string, unknown>>) => void told.push(`${event}: ${error}`);
    const engine = await shop.engine([count], { observe, log });
    await engine.start();
    const tasks = await engine.tasks.submitMany(count, [{ params: 1 }, { params: 2 }]);
    expect(await Promise.all(tasks.map((one) => one.result()))).toEqual([1, 2]);
    await until("it was told", () => told.includes("engine.observe_failed: the meter broke"));
    await engine.stop();
    expect(engine.status()).toMatchObject({ state: "stopped", succeeded: 2 });
  });

  it("may fail together with the log", async () => {
    const fail = (): never => {
      throw new Error("broken");
    };
    const engine = await shop.engine([count], { observe: fail, log: fail });
    await engine.start();
    expect(await (await engine.tasks.submit(count, 1)).result()).toBe(1);
  });
});
