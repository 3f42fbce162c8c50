/** Whoever of a command's keepers is killed, and when: the record says what happened, once, and nobody else is harmed. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutputOf, RunView } from "../../src/index.js";
import type { Step } from "../../src/observe/steps.js";
import { perTest } from "../harness/per-test.js";
import { isAlive, processesWith, signal } from "../harness/processes.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { type Gate, gateIn } from "./gate.js";
import { killAndAwait, startOf } from "./machine-record.js";

const BEFORE_START = ["run.decided", "run.leased"] as const satisfies readonly Step[];
const WHILE_RUNNING = ["run.started", "run.start_recorded"] as const satisfies readonly Step[];
const AFTER_END = ["run.settled", "run.collected", "run.finished", "run.forgotten"] as const satisfies readonly Step[];

const box = perTest(createSandbox);
let gate: Gate;
beforeEach(() => {
  gate = gateIn(box);
});

/** Says that it is up, leaves a trace of its execution, and ends with 7 once the gate is open. */
const script = (): string => `echo ran >> '${box.path("executions")}'; echo up; ${gate.wait}; exit 7`;
const executions = (): string =>
  existsSync(box.path("executions")) ? readFileSync(box.path("executions"), "utf8") : "";
const call = (...flags: string[]) => ["exec", ...flags, "--", "sh", "-c", script()];
const onlyRun = (): string => String(rowsOf(box.home, "SELECT id FROM runs")[0]?.id);
const show = (id: string): Promise<RunView> => box.json(["runs", "show", id]);
const killedAt = (step: Step) => ({ env: { WAYBILL_KILL_AT: step } });

async function running(): Promise<{ readonly id: string; readonly caller: ReturnType<Sandbox["spawnCli"]> }> {
  const caller = box.spawnCli(call());
  await caller.says(/up/);
  return { id: onlyRun(), caller };
}

describe("a caller killed", { timeout: 120_000 }, () => {
  it.each(BEFORE_START)("at %s leaves a record that says that nothing was started", async (step) => {
    expect(await box.spawnCli(call(), killedAt(step)).ended).toMatchObject({ signal: "SIGKILL" });
    const id = onlyRun();
    expect(await box.cli(["runs", "wait", id])).toMatchObject({ code: 130 });
    expect(await show(id)).toMatchObject({
      status: "interrupted",
      error_code: "lost",
      started_at: null,
      exit_code: null,
    });
    expect(executions()).toBe("");
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it.each(WHILE_RUNNING)("at %s leaves a program that is waited for with its own code", async (step) => {
    expect(await box.spawnCli(call(), killedAt(step)).ended).toMatchObject({ signal: "SIGKILL" });
    const id = onlyRun();
    const waiting = box.spawnCli(["runs", "wait", id]);
    await until("somebody looks after it", async () => (await show(id)).status === "running");
    gate.open();
    expect(await waiting.ended).toMatchObject({ code: 7 });
    expect(await show(id)).toMatchObject({ status: "failed", exit_code: 7, error_code: "nonzero_exit" });
    expect(executions()).toBe("ran\n");
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it.each(AFTER_END)("at %s leaves the program's code and its log", async (step) => {
    const dying = box.spawnCli(call(), killedAt(step));
    await dying.says(/up/);
    gate.open();
    expect(await dying.ended).toMatchObject({ signal: "SIGKILL" });
    expect(await box.cli(["runs", "attach", onlyRun()])).toMatchObject({ code: 7, stdout: "up\n" });
    expect(executions()).toBe("ran\n");
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("before it printed the id of a detached command has acknowledged nothing and started nothing", async () => {
    const dead = await box.spawnCli(call("--detach"), killedAt("run.decided")).ended;
    expect(dead).toMatchObject({ signal: "SIGKILL", stdout: "" });
    expect((await box.cli(["runs", "attach", onlyRun()])).code).toBe(130);
    expect(await show(onlyRun())).toMatchObject({ status: "interrupted", error_code: "lost" });
    expect(executions()).toBe("");
  });

  it("does not keep the lists from telling the truth", async () => {
    const { id, caller } = await running();
    caller.kill("SIGKILL");
    await caller.ended;
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list", "--active"]);
    expect(runs).toMatchObject([{ id, status: "running" }]);
    gate.open();
    expect((await box.cli(["runs", "wait", id])).code).toBe(7);
    expectEndedOnce(box);
  });
});

describe("kill -9 of", { timeout: 120_000 }, () => {
  it("the program is the program's own end", async () => {
    const { id, caller } = await running();
    signal(startOf(box, id).pid, "SIGKILL");
    expect(await caller.ended).toMatchObject({ code: 137 });
    expect(await show(id)).toMatchObject({ status: "failed", exit_code: 137, signal: 9 });
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("the supervisor ends the program, and the record says that it is lost", async () => {
    const { id, caller } = await running();
    const start = startOf(box, id);
    await killAndAwait(start.supervisor);
    expect(await caller.ended).toMatchObject({ code: 130 });
    expect(await show(id)).toMatchObject({ status: "interrupted", error_code: "lost" });
    expect(processesWith(`WAYBILL_RUN_ID=${id}`)).toEqual([]);
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("caller, supervisor, watchdog and program leaves a record that says that it is lost", async () => {
    const { id, caller } = await running();
    const start = startOf(box, id);
    caller.kill("SIGKILL");
    await killAndAwait(start.watchdog, start.supervisor, start.pid);
    await caller.ended;
    expect((await box.cli(["runs", "wait", id])).code).toBe(130);
    expect(await show(id)).toMatchObject({ status: "interrupted", error_code: "lost" });
    expect(executions()).toBe("ran\n");
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("the caller and all its own does not harm a command that was called before", async () => {
    const before = await box.cli(call("--detach"));
    const { caller } = await running();
    caller.kill("SIGKILL");
    await caller.ended;
    gate.open();
    expect((await box.cli(["runs", "wait", before.stdout.trim()])).code).toBe(7);
  });
});

/** Whether the process has yet to take signal `number`: two of one number that wait are one (signal(7)). */
function hasPending(pid: number, number: number): boolean {
  const mask = /ShdPnd:\s+([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${mask}`) >> BigInt(number - 1)) % 2n === 1n;
}

describe("a pid that was used again", { timeout: 120_000 }, () => {
  let stranger: ChildProcess;
  beforeEach(() => {
    stranger = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
  });
  afterEach(() => {
    stranger.kill("SIGKILL");
  });

  /** Makes the record name the stranger's pid with the start of the one that had it before. */
  function reuse(id: string, whose: "pid" | "supervisor"): void {
    const path = join(box.home, "machines/local/runs", `${id}.1`, "start");
    const before = `"${whose}":${startOf(box, id)[whose]},`;
    writeFileSync(path, readFileSync(path, "utf8").replace(before, `"${whose}":${stranger.pid},`));
  }

  it("is not signalled for the program by Ctrl-C", async () => {
    const { id, caller } = await running();
    reuse(id, "pid");
    expect(startOf(box, id).pid).toBe(stranger.pid);
    caller.kill("SIGINT");
    await until("the first was taken", () => !hasPending(caller.pid, 2));
    caller.kill("SIGINT");
    await caller.says(/cancelling/);
    expect(await caller.ended).toMatchObject({ code: 130 });
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
  });

  it("is not signalled for the supervisor by a cancel", async () => {
    const { id, caller } = await running();
    reuse(id, "supervisor");
    expect(await box.cli(["runs", "cancel", id, "--signal", "KILL"])).toMatchObject({ code: 0 });
    expect(await caller.ended).toMatchObject({ code: 130 });
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
    expect(processesWith(`WAYBILL_RUN_ID=${id}`)).toEqual([]);
  });

  it("is not signalled when what a lost command left is ended", async () => {
    const { id, caller } = await running();
    const start = startOf(box, id);
    reuse(id, "pid");
    caller.kill("SIGKILL");
    await killAndAwait(start.watchdog, start.supervisor);
    await caller.ended;
    expect((await box.cli(["runs", "wait", id])).code).toBe(130);
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
    expect(isAlive(start.pid)).toBe(false);
    expect(await show(id)).toMatchObject({ status: "interrupted", error_code: "lost" });
  });
});
