import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { open, type Waybill } from "../../src/app/open.js";
import { Dispatcher } from "../../src/dispatch/dispatcher.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

const box = perTest(createSandbox);
let waybill: Waybill;
let logged: string[];
beforeEach(async () => {
  logged = [];
  waybill = await open({ environment: box.env, cwd: box.dir, log: (event) => void logged.push(event) });
  await waybill.context.store();
});
afterEach(() => waybill.close());

function sql(text: string): void {
  const db = new Database(join(box.home, "waybill.db"), { timeout: 10_000 });
  db.exec(text);
  db.close();
}

async function dispatcher(patient: boolean): Promise<Dispatcher> {
  const { context } = waybill;
  const options = { scope: { kind: "host" }, purpose: "test", machines: async () => [], patient } as const;
  return new Dispatcher(await context.runtime(), await context.keeper(), options);
}

describe("a dispatcher whose look at the store fails", () => {
  it("logs it and looks again until it succeeds, when it is patient", async () => {
    const patient = await dispatcher(true);
    sql("ALTER TABLE runs RENAME TO runs_away");
    expect(await patient.hasMore()).toBe(true);
    logged.length = 0;
    const running = patient.run(new AbortController().signal);
    await Promise.race([running, until("the failure is logged", () => logged.includes("dispatch.look_failed"))]);
    sql("ALTER TABLE runs_away RENAME TO runs");
    await running;
    expect(await patient.hasMore()).toBe(false);
  });

  it("fails with it, when somebody looks on", async () => {
    const impatient = await dispatcher(false);
    sql("ALTER TABLE runs RENAME TO runs_away");
    await expect(impatient.run(new AbortController().signal)).rejects.toThrow(/runs/);
    expect(logged).toEqual([]);
  });
});
