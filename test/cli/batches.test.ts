import { readFileSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { BatchReport, OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

const box = perTest(createSandbox);
beforeEach(() => {
  box.machines({ left: { tags: ["fast"] }, right: { tags: ["fast"] } });
});

const show = (id: string) => box.json<BatchReport>(["batch", "show", id]);
const batches = async (args: readonly string[] = []) =>
  (await box.json<OutputOf<"batches.list">>(["batch", "list", ...args])).batches;
const run = (staging: string, ...args: string[]) =>
  box.cli(["batch", "run", "plan.yaml", "--staging", staging, ...args]);
const executions = (): string[] => readFileSync(box.path("executed"), "utf8").trim().split("\n").sort();

/** Directories that note their execution in one file, and an entry for each. */
function countingEntries(names: readonly string[], selector: object): { name: string }[] {
  for (const name of names) box.work(name, `echo ${name} >> '${box.path("executed")}'`);
  return names.map((name) => ({ name, ...selector }));
}

describe("`batch run`", () => {
  it("runs every entry once and ends with the table and 0", async () => {
    box.plan("plan.yaml", countingEntries(["a", "b", "c", "d"], { tag: "fast" }));
    const { code, stdout, stderr } = await run("1");

    expect(code).toBe(0);
    expect(stdout).toMatch(/^ENTRY +OUTCOME +MACHINE +DURATION +EXIT +RUN/m);
    expect(stdout).toMatch(/batch \S+ against 1: 4 of 4 completed\n$/);
    for (const name of ["a", "b", "c", "d"]) expect(stderr).toMatch(new RegExp(`✔ completed +${name} on (left|right)`));
    expect(executions()).toEqual(["a", "b", "c", "d"]);
  });

  it("is the same batch when it is run again, executes nothing twice, and is a new one for another staging", async () => {
    box.plan("plan.yaml", countingEntries(["a", "b"], { tag: "fast" }));
    await run("1");
    const again = await run("1");
    const [batch, ...others] = await batches();

    expect([again.code, others]).toEqual([0, []]);
    expect(again.stdout).toContain(`batch ${batch?.id} against 1: 2 of 2 completed`);
    expect(executions()).toEqual(["a", "b"]);
    await run("2");
    expect(await batches()).toHaveLength(2);
    expect(await batches(["--staging", "2"])).toHaveLength(1);
    expect(executions()).toEqual(["a", "a", "b", "b"]);
  });

  it("is one batch when two run it at once", async () => {
    box.plan("plan.yaml", countingEntries(["a", "b", "c"], { tag: "fast" }));
    const [one, two] = await Promise.all([run("1"), run("1")]);

    expect([one.code, two.code, (await batches()).length]).toEqual([0, 0, 1]);
    expect(executions()).toEqual(["a", "b", "c"]);
  });

  it("leaves with 1 when an entry failed or was skipped, and says of each why", async () => {
    box.work("good", "exit 0");
    box.work("bad", "exit 3");
    box.plan("plan.yaml", [
      { name: "good", machine: "left" },
      { name: "bad", machine: "left" },
      { name: "nowhere", dir: "good", tag: "fasd" },
    ]);
    const { code, stdout } = await run("1");

    expect(code).toBe(1);
    expect(stdout).toMatch(/✖ failed +left .* 3 /);
    expect(stdout).toMatch(/- skipped +tag:fasd .*No machine matches tag:fasd; the nearest is "fast"\./);
    expect(stdout).toMatch(/: 1 of 3 completed, 1 failed, 1 skipped\n$/);
  });

  it("tries an entry again as often as it says", async () => {
    box.work("flaky", 'echo "attempt $WAYBILL_ATTEMPT"; [ "$WAYBILL_ATTEMPT" -eq 3 ]');
    box.plan("plan.yaml", [{ name: "flaky", machine: "left", retries: 2 }]);
    expect((await run("1")).code).toBe(0);
    const [batch] = await batches();

    expect((await show(batch?.id ?? "")).items).toMatchObject([{ run: { status: "completed", attempt: 3 } }]);
  });

  it("shows with --dry-run who would get what, and records nothing", async () => {
    const entries = countingEntries(["a", "b", "c"], { tag: "fast" });
    box.plan("plan.yaml", [...entries, { name: "nowhere", dir: "a", machine: "lefd" }]);
    const { code, stdout } = await run("1", "--dry-run");
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));

    expect(code).toBe(0);
    expect(rows.slice(1, 5).map(([name, , decision, machine]) => [name, decision, machine])).toEqual([
      ["a", "dispatch", "left"],
      ["b", "dispatch", "right"],
      ["c", "wait", expect.anything()],
      ["nowhere", "skip", expect.anything()],
    ]);
    expect(await batches()).toEqual([]);
    expect((await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs).toEqual([]);
  });

  it("refuses a plan before anything is recorded: missing directory, missing entrypoint, missing variable", async () => {
    box.work("good", "exit 0");
    const needing = { name: "b", dir: "good", machine: "left", env: { TOKEN: { from_env: "NOT_SET" } } };
    const plans = [
      { name: "b", dir: "gone", machine: "left" },
      { name: "b", dir: "good", machine: "left", entrypoint: "gone.sh" },
      needing,
    ].map((second) => ({ version: 1, entries: [{ name: "a", dir: "good", machine: "left" }, second] }));
    const answers = [];
    for (const plan of plans) {
      writeFileSync(box.path("plan.yaml"), JSON.stringify(plan));
      answers.push(await run("1"));
    }

    expect(answers.map((a) => a.code)).toEqual([2, 2, 2]);
    expect(answers[0]?.stderr).toContain("(invalid_plan)");
    expect(answers[1]?.stderr).toContain("gone.sh");
    expect(answers[2]?.stderr).toContain('entry "b" takes NOT_SET. (missing_env)');
    expect(await batches()).toEqual([]);
    expect((await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs).toEqual([]);
  });
});

describe("a batch that goes on", () => {
  it("is decided by a dispatcher after --detach, watched by `batch watch`, and runs what was submitted", async () => {
    const gate = gateIn(box, "first");
    box.work("first", gate.script);
    const second = box.work("second", "cat data", { data: "as submitted" });
    box.plan("plan.yaml", [
      { name: "first", machine: "left" },
      { name: "second", machine: "left" },
    ]);
    const detached = await run("1", "--detach");
    const [batch] = await batches();
    const id = batch?.id ?? "";
    expect(detached.code).toBe(0);
    expect(detached.stderr).toContain(`batch watch ${id}`);
    writeFileSync(`${second}/data`, "edited later");
    const watcher = box.spawnCli(["batch", "watch", id]);
    await watcher.says(/running +first/);
    gate.open();

    expect(await watcher.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("2 of 2 completed") });
    const { items } = await show(id);
    expect(readFileSync(items[1]?.run?.logs_path ?? "", "utf8")).toBe("as submitted");
  });

  it("skips what is queued and ends what runs when it is cancelled", async () => {
    const gate = gateIn(box, "endless");
    box.work("endless", gate.script);
    box.work("never", `: > '${box.path("executed")}'`);
    box.plan("plan.yaml", [
      { name: "endless", machine: "left" },
      { name: "never", machine: "left" },
    ]);
    const running = box.spawnCli(["batch", "run", "plan.yaml", "--staging", "1"]);
    await gate.reached();
    const [batch] = await batches();
    const cancelled = await box.json<BatchReport>(["batch", "cancel", batch?.id ?? ""]);

    expect(cancelled.progress).toMatchObject({ finished: true, succeeded: false, skipped: 1 });
    expect(cancelled.items).toMatchObject([
      { state: "dispatched", run: { status: "interrupted", error_code: "cancelled" } },
      { state: "skipped", run: null },
    ]);
    expect(await running.ended).toMatchObject({ code: 1 });
    expect(() => executions()).toThrow();
  });
});
