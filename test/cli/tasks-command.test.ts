import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { serveTasks, startTaskEngine } from "./task-engine.js";

type Submitted = OutputOf<"tasks.submit">;
type Detail = OutputOf<"tasks.show">;
type Runs = OutputOf<"runs.list">["runs"];
type Result = { readonly run_id: string; readonly exit_code: number };

const box = perTest(createSandbox);

const submit = async (...args: string[]) => await box.json<Submitted>(["tasks", "submit", "command", ...args]);
const show = async (id: string) => await box.json<Detail>(["tasks", "show", id]);
const runs = async (): Promise<Runs> => (await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs;
const linesOf = (name: string): string[] => readFileSync(box.path(name), "utf8").trim().split("\n");

/** Notes that it began, and runs until it is told to stop. */
const LONG = ["--", "sh", "-c", "echo $$ >> began; exec sleep 600"];
const hasBegun = () => until("the command runs", () => existsSync(box.path("began")) && linesOf("began").length > 0);

describe("a task of the type `command`", () => {
  it("executes as a run, where it was submitted, and leaves log and exit code with it", async () => {
    await serveTasks(box);
    const { task, result } = await submit("--wait", "--", "sh", "-c", 'pwd; echo "task $WAYBILL_TASK_ID"');
    const { run_id: id, exit_code: exitCode } = result as Result;
    const run = await box.json<OutputOf<"runs.show">>(["runs", "show", id]);
    const { stdout } = await box.cli(["runs", "logs", id]);
    const logs = await box.cli(["tasks", "logs", task.id]);

    expect([task.state, exitCode]).toEqual(["completed", 0]);
    expect(run).toMatchObject({ kind: "command", status: "completed", labels: { task: task.id }, ref: "sh" });
    expect(stdout).toBe(`${box.dir}\ntask ${task.id}\n`);
    expect(logs.stderr).toBe(`what its command writes: \`waybill runs logs ${id}\`\n`);
  });

  it("gets variables by value, and by name from the engine's environment without storing them", async () => {
    await serveTasks(box, [], { SECRET: "hidden" });
    const params = { argv: ["sh", "-c", 'echo "$A $B"'], env: { A: 1, B: { from_env: "SECRET" } } };
    const { task, result } = await submit("--wait", "--params", JSON.stringify(params));
    const shown = await box.cli(["tasks", "show", task.id]);

    expect((await box.cli(["runs", "logs", (result as Result).run_id])).stdout).toBe("1 hidden\n");
    expect(shown.stdout).not.toContain("hidden");
  });

  it("fails once with nonzero_exit, and as often as was allowed, each time as a run of its own", async () => {
    await serveTasks(box);
    const once = await submit("--wait", "--", "sh", "-c", "exit 3");
    const twice = await submit("--wait", "--max-attempts", "2", "--", "sh", "-c", "exit 4");

    expect(once.task).toMatchObject({ state: "failed", attempt: 1, failure: { code: "nonzero_exit" } });
    expect(once.task.failure?.message).toContain("3");
    expect(twice.task).toMatchObject({ state: "failed", failures: 2, failure: { code: "nonzero_exit" } });
    expect((await runs()).map((run) => run.exit_code)).toEqual([4, 4, 3]);
  });

  it("is checked when it is submitted", async () => {
    const unknown = await box.cli(["tasks", "submit", "command", "--params", '{"argv":["ls"],"shell":true}']);
    const other = await box.cli(["tasks", "submit", "mail", "--", "ls"]);

    expect([unknown.code, other.code]).toEqual([2, 2]);
    expect(unknown.stderr).toContain('"shell"');
    expect(other.stderr).toContain("waybill tasks submit command -- ls");
  });

  it("ends its run when it is cancelled", async () => {
    await serveTasks(box);
    const { task } = await submit(...LONG);
    await hasBegun();
    const { tasks } = await box.json<OutputOf<"tasks.cancel">>(["tasks", "cancel", task.id]);
    const ended = await until("the run has ended", async () => (await runs()).find((run) => run.ended_at !== null));

    expect(tasks).toMatchObject([{ state: "cancelled" }]);
    expect(ended).toMatchObject({ status: "interrupted", error_code: "cancelled" });
  });

  it("ends its run at its time limit, before another try begins", async () => {
    await serveTasks(box);
    const { task } = await submit("--wait", "--timeout", "300ms", "--max-attempts", "2", ...LONG);
    const all = await runs();
    const [second, first] = all;

    expect(task).toMatchObject({ state: "failed", failure: { code: "timeout" } });
    expect(all).toHaveLength(2);
    expect(Date.parse(first?.ended_at ?? "")).toBeLessThanOrEqual(Date.parse(second?.started_at ?? ""));
  });

  it("is not tried again when somebody cancels its run", async () => {
    await serveTasks(box);
    const { task } = await submit("--max-attempts", "3", ...LONG);
    await hasBegun();
    await box.cli(["runs", "cancel", (await runs())[0]?.id ?? ""]);
    await box.cli(["tasks", "wait", task.id]);

    expect(await show(task.id)).toMatchObject({ state: "failed", attempt: 1, failure: { code: "cancelled" } });
  });
});

describe("a task of the type `command`, and the end of its engine", () => {
  const killAt = ["run.leased", "run.started", "run.start_recorded", "run.settled"];

  it.each(killAt)("has one run and one outcome when the engine is killed at %s", async (step) => {
    const first = await serveTasks(box, [], { WAYBILL_KILL_AT: step });
    const { task } = await submit("--", "sh", "-c", "echo began >> effects; sleep 0.5; exit 5");
    expect((await first.ended).signal).toBe("SIGKILL");
    await serveTasks(box);
    await box.cli(["tasks", "wait", task.id]);
    const detail = await show(task.id);

    expect(detail).toMatchObject({ state: "failed", failure: { code: "nonzero_exit" }, crashes: 1 });
    expect(detail.attempts.map(({ state }) => state)).toEqual(["lost", "failed"]);
    expect(linesOf("effects")).toEqual(["began"]);
    expect(await runs()).toMatchObject([{ status: "failed", exit_code: 5 }]);
  });

  it("goes on when the engine is told to stop, and the next one takes it to its end, without a failure counted", async () => {
    const first = await serveTasks(box, ["--grace", "0s"]);
    const { task } = await submit("--", "sh", "-c", "echo began >> began; while [ ! -e go ]; do sleep 0.05; done");
    await hasBegun();
    first.kill("SIGTERM");
    await first.ended;
    const between = await show(task.id);
    await serveTasks(box);
    await box.cli(["exec", "--", "touch", "go"]);
    await box.cli(["tasks", "wait", task.id]);

    expect(between).toMatchObject({ state: "queued", attempts: [{ returned: "shutdown" }] });
    expect(await show(task.id)).toMatchObject({ state: "completed", failures: 0, crashes: 0, attempt: 2 });
    expect(linesOf("began")).toHaveLength(1);
  });

  it.each(["cancel", "rm --force"])("takes its run along with `tasks %s` while no engine lives", async (verb) => {
    const first = await serveTasks(box, ["--grace", "0s"]);
    const { task } = await submit(...LONG);
    await hasBegun();
    first.kill("SIGTERM");
    await first.ended;
    const done = await box.cli(["tasks", ...verb.split(" "), task.id]);
    const run = await until("the run has ended", async () => (await runs()).find((one) => one.ended_at !== null));

    expect(done.code).toBe(0);
    expect(run).toMatchObject({ status: "interrupted", error_code: "cancelled" });
  });

  it("ends its run once its deadline has passed, though no engine lives to see it", async () => {
    const first = await serveTasks(box, ["--grace", "0s"]);
    const { task } = await submit("--deadline", "15s", ...LONG);
    await hasBegun();
    first.kill("SIGTERM");
    await first.ended;
    const run = await until("the run has ended", async () => (await runs()).find((one) => one.ended_at !== null));

    expect(run).toMatchObject({ status: "timeout", error_code: "timeout" });
    await serveTasks(box);
    await box.cli(["tasks", "wait", task.id]);
    expect(await show(task.id)).toMatchObject({ state: "failed", failure: { code: "deadline_exceeded" } });
  });

  it("has no second run while its engine is stopped for longer than its lease, nor when that goes on", async () => {
    const first = await startTaskEngine(box, null, { leaseMs: 500 });
    const { task } = await submit("--", "sh", "-c", "echo $$ >> began; while [ ! -e go ]; do sleep 0.05; done");
    await hasBegun();
    process.kill(first.pid, "SIGSTOP");
    await startTaskEngine(box, null, { leaseMs: 500 });
    await until("the other engine has it", async () => (await show(task.id)).attempts.length === 2);
    await box.cli(["exec", "--", "touch", "go"]);
    process.kill(first.pid, "SIGCONT");
    await box.cli(["tasks", "wait", task.id]);
    const commands = (await runs()).filter((run) => run.labels?.task === task.id);

    expect(await show(task.id)).toMatchObject({ state: "completed", attempt: 2, crashes: 1 });
    expect(linesOf("began")).toHaveLength(1);
    expect(commands).toMatchObject([{ status: "completed" }]);
  });

  it("begins a run of its own for an explicit retry", async () => {
    await serveTasks(box);
    const { task } = await submit("--wait", "--", "sh", "-c", "test -e fixed");
    await box.cli(["exec", "--", "touch", "fixed"]);
    await box.cli(["tasks", "retry", task.id]);
    const { code } = await box.cli(["tasks", "wait", task.id]);

    expect([task.state, code]).toEqual(["failed", 0]);
    expect((await show(task.id)).run).toBe(2);
  });
});
