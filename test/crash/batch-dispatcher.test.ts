/** A batch's dispatcher may die at any time: whoever watches brings up another, and nothing is executed twice. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { dispatcherOf, eventsOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { type Gate, gateIn } from "./gate.js";
import { heldPlan } from "./held-plan.js";
import { killAndAwait } from "./machine-record.js";

const names = ["a", "b", "c", "d", "e", "f"];

const box = perTest(createSandbox);
let gate: Gate;
let plan = "";
beforeEach(() => {
  gate = gateIn(box);
  plan = heldPlan(box, gate, names);
});

const batchId = (): string => String(rowsOf(box.home, "SELECT id FROM batches")[0]?.id ?? "");
const dispatcher = (): Promise<number> => until("there is a dispatcher", () => dispatcherOf(box.home, batchId()));
const dispatchers = (): unknown[] =>
  eventsOf(box.home, "lease.acquired", `batch/${batchId()}`).map(({ data }) => data.pid);

async function expectAllOnce(): Promise<void> {
  expect(readFileSync(box.path("executions"), "utf8").trim().split("\n").sort()).toEqual(names);
  expectEndedOnce(box);
  await expectNothingLeft(box);
}

describe("a batch whose dispatcher is killed", { timeout: 180_000 }, () => {
  it("three times over while `batch run` watches is given another each time, and finishes", async () => {
    const watching = box.spawnCli(["batch", "run", plan, "--staging", "1"]);
    const killed: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const pid = await dispatcher();
      killed.push(pid);
      await killAndAwait(pid);
    }
    const last = await dispatcher();
    gate.open();
    expect((await watching.ended).code).toBe(0);
    expect(dispatchers().slice(0, 4)).toEqual([...killed, last]);
    await expectAllOnce();
  });

  it("together with its submitter is finished by `batch watch` from another process", async () => {
    const submitter = box.spawnCli(["batch", "run", plan, "--staging", "1"]);
    const pid = await dispatcher();
    submitter.kill("SIGKILL");
    await killAndAwait(pid);
    await submitter.ended;
    gate.open();
    expect(await box.cli(["batch", "watch", batchId()])).toMatchObject({ code: 0 });
    await expectAllOnce();
  });

  it("while nobody watches is finished by asking for the same batch again and letting go", async () => {
    await box.cli(["batch", "run", plan, "--staging", "1", "--detach"]);
    await killAndAwait(await dispatcher());
    gate.open();
    expect(await box.cli(["batch", "run", plan, "--staging", "1", "--detach"])).toMatchObject({ code: 0 });
    const ended = "SELECT count(*) AS n FROM runs WHERE status = 'completed'";
    await until("all entries have ended", () => rowsOf(box.home, ended)[0]?.n === names.length);
    await expectAllOnce();
  });
});
