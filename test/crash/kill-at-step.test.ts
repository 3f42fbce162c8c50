/** A driver that dies at any named step leaves work that the next command brings to its end, executed once. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { RunDetailView } from "../../src/contracts/run-views.js";
import type { Step } from "../../src/observe/steps.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { type Gate, gateIn } from "./gate.js";
import { heldPlan } from "./held-plan.js";

const EARLY = ["run.decided", "run.leased", "run.prepared", "run.started", "run.start_recorded"] as const;
const LATE = ["run.settled", "run.collected"] as const;
const ENDED = ["run.finished", "run.forgotten"] as const;
const RUN_STEPS: readonly Step[] = [...EARLY, ...LATE, ...ENDED];
const isEarly = (step: Step): boolean => (EARLY as readonly Step[]).includes(step);

const box = perTest(createSandbox);

const executions = (): string[] => readFileSync(box.path("executions"), "utf8").trim().split("\n").sort();
const statuses = (): unknown[] => rowsOf(box.home, "SELECT status FROM runs").map((row) => row.status);
const isRunning = (): boolean => statuses().includes("running");
const killedAt = (step: Step) => ({ env: { WAYBILL_KILL_AT: step } });

describe("`waybill run` that dies at", { timeout: 120_000 }, () => {
  it.each(RUN_STEPS)("%s has executed its program once when the work is asked for again", async (step) => {
    const gate = gateIn(box);
    const dir = box.work("once", `echo ran >> '${box.path("executions")}'; ${gate.wait}`);
    const dying = box.spawnCli(["run", dir], killedAt(step));
    if (!isEarly(step)) {
      await until("the program runs", isRunning);
      gate.open();
    }
    expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
    gate.open();
    const id = String(rowsOf(box.home, "SELECT id FROM runs")[0]?.id);
    const again = (ENDED as readonly Step[]).includes(step) ? ["runs", "attach", id] : ["run", dir];
    expect(await box.cli(again)).toMatchObject({ code: 0 });
    expect(executions()).toEqual(["ran"]);
    expect(await box.json<RunDetailView>(["runs", "show", id])).toMatchObject({ status: "completed", exit_code: 0 });
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });
});

describe("a batch", { timeout: 120_000 }, () => {
  const names = ["a", "b", "c", "d"];
  let plan = "";
  let gate: Gate;
  beforeEach(() => {
    gate = gateIn(box);
    plan = heldPlan(box, gate, names);
  });

  async function expectResumed(): Promise<void> {
    expect(await box.cli(["batch", "run", plan, "--staging", "1"])).toMatchObject({ code: 0 });
    expect(executions()).toEqual(names);
    expect(rowsOf(box.home, "SELECT state FROM batch_items").map((row) => row.state)).toEqual(
      names.map(() => "dispatched"),
    );
    expectEndedOnce(box);
    await expectNothingLeft(box);
  }

  it.each(["batch.created", "batch.item_decided"] as const)(
    "whose submitter dies at %s is resumed by the same command",
    async (step) => {
      const dying = await box.cli(["batch", "run", plan, "--staging", "1"], killedAt(step));
      expect(dying).toMatchObject({ signal: "SIGKILL" });
      gate.open();
      await expectResumed();
    },
  );

  it.each(["dispatcher.leased", "batch.item_decided", ...RUN_STEPS.slice(1)] as const)(
    "whose dispatcher dies at %s is resumed by the same command",
    async (step) => {
      await box.cli(["batch", "run", plan, "--staging", "1"], killedAt("batch.created"));
      const id = String(rowsOf(box.home, "SELECT id FROM batches")[0]?.id);
      const dispatcher = box.spawnCli(["_dispatch", "batch", id], killedAt(step));
      if (step.startsWith("run.") && !isEarly(step)) {
        await until("a program runs", isRunning);
        gate.open();
      }
      expect(await dispatcher.ended).toMatchObject({ signal: "SIGKILL" });
      gate.open();
      await expectResumed();
    },
  );
});

describe("WAYBILL_KILL_AT", () => {
  it("names a step that there is, else the command is refused before it does anything", async () => {
    const refused = await box.cli(["runs", "list", "--json"], { env: { WAYBILL_KILL_AT: "run.strated" } });
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: "invalid_input" } });
  });

  it("is not inherited by the dispatcher of the command", async () => {
    const dir = box.work("w", "exit 0");
    const answer = await box.cli(["run", dir, "--detach"], killedAt("dispatcher.leased"));
    expect(answer.code).toBe(0);
    expect(await box.cli(["runs", "wait", answer.stdout.trim()])).toMatchObject({ code: 0 });
    await expectNothingLeft(box);
  });
});
