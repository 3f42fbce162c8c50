/** A driver that dies at any step of a run over ssh leaves work that the next command brings to its end, executed once. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { RunDetailView } from "../../src/contracts/run-views.js";
import { STEPS, type Step } from "../../src/observe/steps.js";
import { expectEndedOnce } from "../crash/aftermath.js";
import { gateIn } from "../crash/gate.js";
import { type FleetMachine, noSshd, startFleet } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { DEADLINE_MS, until } from "../harness/until.js";
import { expectNothingLeftOnFleet } from "./fleet-aftermath.js";

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;
const KIB = 1024;

const box = perTest(createSandbox);
let machines: FleetMachine[];
let far: FleetMachine;
beforeEach(async () => {
  machines = await startFleet(box, ["far", "farther"], { tags: ["any"] });
  [far] = machines as [FleetMachine];
});

const executions = (): string[] => readFileSync(box.path("executions"), "utf8").trim().split("\n");
const runId = (): string => String(rowsOf(box.home, "SELECT id FROM runs")[0]?.id);
const isRunning = (): boolean => rowsOf(box.home, "SELECT 1 FROM runs WHERE status = 'running'").length > 0;

/** Asks for the work again, or for the run if it has ended; whichever it is, it ends well, and was executed once. */
async function expectResumed(dir: string, where: readonly string[]): Promise<void> {
  const id = runId();
  const hasEnded = rowsOf(box.home, "SELECT 1 FROM runs WHERE ended_at IS NOT NULL").length > 0;
  const again = await box.cli(hasEnded ? ["runs", "attach", id] : ["run", dir, ...where]);
  expect(again).toMatchObject({ code: 0 });
  expect(executions()).toEqual(["ran"]);
  const run = await box.json<RunDetailView>(["runs", "show", id]);
  expect(run).toMatchObject({ status: "completed", exit_code: 0, artifact_state: "collected" });
  expect(readFileSync(join(run.artifacts_path ?? "", "kept"), "utf8")).toHaveLength(512 * KIB);
  expectEndedOnce(box);
  await expectNothingLeftOnFleet(box, machines);
}

/** Says that it ran, waits, and leaves an artifact that is not brought in one piece. */
function workWith(wait: string): string {
  const script = [
    `echo ran >> '${box.path("executions")}'`,
    wait,
    `head -c ${512 * KIB} /dev/zero | tr '\\0' a > "$WAYBILL_ARTIFACTS_DIR"/kept`,
  ];
  return box.work("once", script.join("\n"), { "data.bin": Buffer.alloc(4 * KIB * KIB, "data") });
}

const OVER_SSH = STEPS.filter((step): step is Step => step.startsWith("run.") && step !== "run.moved");
/** Passed while the program waits at its gate. */
const WHILE_RUNNING: readonly Step[] = OVER_SSH.slice(0, OVER_SSH.indexOf("run.start_recorded") + 1);

describe.skipIf(noSshd !== null)(`\`waybill run\` over ssh that dies at${skipped}`, { timeout: 120_000 }, () => {
  it.each(OVER_SSH)("%s has executed its program once when the work is asked for again", async (step) => {
    const gate = gateIn(box);
    const dir = workWith(gate.wait);
    const dying = box.spawnCli(["run", dir, "--machine", "far"], { env: { WAYBILL_KILL_AT: step } });
    if (!WHILE_RUNNING.includes(step)) {
      await until("the program runs", isRunning);
      gate.open();
    }
    expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
    gate.open();
    await expectResumed(dir, ["--machine", "far"]);
  });

  it("run.moved has executed its program once, on the machine that it was moved to", async () => {
    const gate = gateIn(box);
    gate.open();
    const dir = workWith(gate.wait);
    await far.sshd.kill();
    const dying = await box.cli(["run", dir, "--tag", "any"], { env: { WAYBILL_KILL_AT: "run.moved" } });
    expect(dying).toMatchObject({ signal: "SIGKILL" });
    await expectResumed(dir, ["--tag", "any"]);
    expect(rowsOf(box.home, "SELECT machine FROM runs")).toEqual([{ machine: "farther" }]);
  });
});

describe.skipIf(noSshd !== null)(
  `a run that was replaced, whose driver dies at${skipped}`,
  { timeout: 240_000 },
  () => {
    it("stray.returned ends as its original did, and the replacement is stopped", async () => {
      const [first, second] = [gateIn(box, "first"), gateIn(box, "second")];
      const script = [
        'case $WAYBILL_ARTIFACTS_DIR in *"on far/"*) here=far ;; *) here=farther ;; esac',
        `echo $here >> '${box.path("executions")}'`,
        `case $here in far) ${first.wait}; exit 3 ;; esac`,
        second.wait,
      ];
      const dir = box.work("replaced", script.join("\n"));
      const args = ["run", dir, "--tag", "any", "--on-unreachable", "replace_after 20s", "--grace", "1s"];
      const dying = box.spawnCli(args, { env: { WAYBILL_KILL_AT: "stray.returned" } });
      await until("the original runs", isRunning);
      await far.sshd.kill();
      first.open();
      // Its driver rests for up to half a minute between two looks at a silent machine.
      await until("the replacement runs", () => executions().length === 2, 2 * DEADLINE_MS);
      await far.sshd.start();
      expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
      expect(await box.cli(["runs", "attach", runId()])).toMatchObject({ code: 3 });
      expect(executions()).toEqual(["far", "farther"]);
      expect(await box.json<RunDetailView>(["runs", "show", runId()])).toMatchObject({
        status: "failed",
        exit_code: 3,
      });
      expect(rowsOf(box.home, "SELECT * FROM stray_attempts")).toEqual([]);
      expectEndedOnce(box);
      await expectNothingLeftOnFleet(box, machines);
    });
  },
);

const filesIn = (machine: FleetMachine, folder: string): string[] => {
  const path = join(machine.workDir, folder);
  return existsSync(path) ? readdirSync(path) : [];
};
const attemptHas = (name: string) => (): boolean =>
  filesIn(far, "runs").some((attempt) => filesIn(far, join("runs", attempt)).includes(name));
const isBrought = (): boolean => {
  const attempt = join(box.home, "runs", runId(), "1");
  return existsSync(attempt) && readdirSync(attempt).length > 0;
};

/** What a test can see happening between the steps that have names. */
const MOMENTS: readonly (readonly [string, () => boolean])[] = [
  ["the machine takes the supervisor", () => filesIn(far, "bin").length > 0],
  ["the tree is under way", () => filesIn(far, "trees").length > 0],
  ["the machine has the attempt, and has not answered yet", attemptHas("request")],
  ["the attempt is claimed, and nobody has been told", attemptHas("claim")],
  ["the program has started, and nobody has been told", attemptHas("start")],
  ["the program has ended, and nobody has been told", attemptHas("exit")],
  ["its files are being brought", isBrought],
];

/** Looks without a pause: the moment is short. */
async function catchMoment(what: string, condition: () => boolean): Promise<void> {
  for (const end = Date.now() + DEADLINE_MS; !condition(); await nextTurn()) {
    if (Date.now() > end) throw new Error(`It was not seen that ${what}.`);
  }
}

describe.skipIf(noSshd !== null)(`\`waybill run\` over ssh that is killed when${skipped}`, { timeout: 120_000 }, () => {
  it.each(MOMENTS)("%s has executed its program once when the work is asked for again", async (what, condition) => {
    const gate = gateIn(box);
    gate.open();
    const dir = workWith(gate.wait);
    const dying = box.spawnCli(["run", dir, "--machine", "far"]);
    await catchMoment(what, condition);
    dying.kill("SIGKILL");
    expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
    await expectResumed(dir, ["--machine", "far"]);
  });
});
