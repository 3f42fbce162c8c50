/**
 * Thirteen faults that were measured in the program whose contract `openDataStore` keeps. Each is told as what is true here
 * instead; B, the migration that ate background runs, stands with the data store's own tests.
 */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { gateIn } from "../cli/gate.js";
import { builtCli } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { processesWith } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { eventsOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";

type Runs = OutputOf<"runs.list">["runs"];

const box = perTest(createSandbox);

const waybill = (args: string) => `'${process.execPath}' '${builtCli()}' ${args}`;
const runs = async () => (await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs;
const byRef = (found: Runs, ref: string) => found.find((run) => run.ref === ref);
const detach = async (ref: string, script: string) => {
  const { stdout } = await box.cli(["exec", "--detach", "--ref", ref, "--", "sh", "-c", script]);
  return stdout.trim();
};

describe("local executions", { timeout: 120_000 }, () => {
  it("A: a variable of any size is read back whole, also beside many others", async () => {
    const values = [1, 1_023, 1_024, 1_025, 65_537].map((length) => "x".repeat(length));
    for (const value of values) {
      expect((await box.cli(["vars", "set", `k${value.length}`], { input: value })).code).toBe(0);
    }
    for (const value of values) {
      expect((await box.cli(["vars", "get", `k${value.length}`])).stdout).toBe(`${value}\n`);
    }
  });

  it("C: names that look alike are different scopes, and none is left behind by a run", async () => {
    for (const scope of ["a:b", "a/b", "a_b"]) await box.cli(["vars", "set", "k", scope, "--scope", scope]);
    for (const scope of ["a:b", "a/b", "a_b"]) {
      expect((await box.cli(["vars", "get", "k", "--scope", scope])).stdout).toBe(`${scope}\n`);
    }
    await box.cli(["exec", "--ref", "a:b", "--", "sh", "-c", waybill("vars set inside 1")]);
    expect(rowsOf(box.home, "SELECT DISTINCT scope FROM variables ORDER BY scope").map((r) => r.scope)).toEqual([
      "a/b",
      "a:b",
      "a_b",
    ]);
  });

  it("D: two runs of one ref have variables of their own, and the first to end takes only its own away", async () => {
    const [one, two] = [gateIn(box, "one"), gateIn(box, "two")];
    const script = (value: string, gate: string) =>
      `${waybill(`vars set mine ${value}`)}\n${gate}\n${waybill("vars get mine")}`;
    const first = await detach("same", script("first", one.script));
    const second = await detach("same", script("second", two.script));
    await Promise.all([one.reached(), two.reached()]);
    one.open();
    await box.cli(["runs", "wait", first]);
    two.open();
    await box.cli(["runs", "wait", second]);

    expect((await box.cli(["runs", "logs", first])).stdout).toBe("first\n");
    expect((await box.cli(["runs", "logs", second])).stdout).toBe("second\n");
  });

  it("E: a run that ends while others look at it has its own outcome, once", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, (_, i) => detach(`r${i}`, `exit ${i}`)));
    await Promise.all([
      ...ids.map((id) => box.cli(["runs", "wait", id])),
      ...ids.map((id) => box.cli(["runs", "show", id])),
      ...ids.map(() => box.cli(["runs", "list"])),
    ]);

    const found = await runs();
    expect(ids.map((id) => found.find((run) => run.id === id)?.exit_code)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(eventsOf(box.home, "run.finished").map((e) => e.subject)).toHaveLength(6);
  });

  it("F: a quick command finds its own record, and is never recorded as running after its end", async () => {
    const id = await detach(
      "quick",
      `${waybill('runs show "$WAYBILL_RUN_ID" --json')} > '${box.path("seen")}' || exit 9`,
    );

    expect((await box.cli(["runs", "wait", id])).code).toBe(0);
    for (const name of ["a", "b", "c"]) {
      const quick = await detach(name, "exit 4");
      expect((await box.cli(["runs", "wait", quick])).code).toBe(4);
    }
    expect((await runs()).filter((run) => run.status === "running")).toEqual([]);
  });

  it("G: a command line without a name ends with its log and its code like any other", async () => {
    const { stdout } = await box.cli(["exec", "--detach", "--shell", "echo said; exit 3"]);
    const id = stdout.trim();

    expect((await box.cli(["runs", "wait", id])).code).toBe(3);
    expect((await box.cli(["runs", "logs", id])).stdout).toBe("said\n");
    expect(byRef(await runs(), "sh")).toMatchObject({ status: "failed", exit_code: 3, error_code: "nonzero_exit" });
  });

  it("H: what a background run executes is a run of its own, also in the background", async () => {
    const gate = gateIn(box, "inner");
    const inner = `${waybill("exec --detach --ref inner")} -- sh -c '${gate.script.replaceAll("'", "'\\''")}'`;
    const outer = await detach("outer", `${inner}; echo outer is done`);
    expect((await box.cli(["runs", "wait", outer])).code).toBe(0);
    await gate.reached();

    const found = await runs();
    expect(byRef(found, "outer")).toMatchObject({ id: outer, status: "completed" });
    expect(byRef(found, "inner")).toMatchObject({ parent_run_id: outer, status: "running" });
    expect((await box.cli(["runs", "logs", outer])).stdout).toContain("outer is done");
    gate.open();
    expect((await box.cli(["runs", "wait", byRef(found, "inner")?.id ?? ""])).code).toBe(0);
  });

  it("I: cancelling reaches every descendant, and there is one record that says so", async () => {
    const mark = box.path("grandchild");
    const id = await detach("family", `trap '' TERM; (setsid sleep 600 & sh -c 'sleep 601' & echo > '${mark}'; wait)`);
    await until("the family is there", () => existsSync(mark));

    expect((await box.cli(["runs", "cancel", id, "--grace", "200ms"])).code).toBe(0);

    expect(processesWith(`WAYBILL_RUN_ID=${id}`)).toEqual([]);
    expect(byRef(await runs(), "family")).toMatchObject({ status: "interrupted", error_code: "cancelled" });
    expect(eventsOf(box.home, "run.finished", id)).toHaveLength(1);
  });

  it("J: a run's log is its own, wherever the flags stood, and removing it takes no other with it", async () => {
    const store = ["--store", `file:${box.home}/waybill.db`];
    await box.cli([...store, "exec", "--ref", "log", "--", "echo", "one"]);
    await box.cli(["exec", "--ref", "log", ...store, "--", "echo", "two"]);
    const [second, first] = await runs();

    expect((await box.cli(["runs", "rm", second?.id ?? ""])).code).toBe(0);

    expect(existsSync(second?.logs_path ?? "")).toBe(false);
    expect((await box.cli(["runs", "logs", first?.id ?? ""])).stdout).toBe("one\n");
  });

  it("K: the exit code is the program's, on the way out and in the record", async () => {
    expect((await box.cli(["exec", "--ref", "k", "--", "sh", "-c", "exit 42"])).code).toBe(42);
    expect(byRef(await runs(), "k")).toMatchObject({ exit_code: 42, error_code: "nonzero_exit" });
  });

  it("L: a run that fails is cleaned up after like one that does not", async () => {
    box.work("failing", `${waybill("vars set secret 1")}; echo kept > "$WAYBILL_ARTIFACTS_DIR/kept"; exit 3`);

    expect((await box.cli(["run", "failing"])).code).toBe(3);

    const run = byRef(await runs(), "failing");
    expect(rowsOf(box.home, "SELECT * FROM variables")).toEqual([]);
    const machineDir = `${box.home}/machines/local/runs/${run?.id}.1`;
    expect([existsSync(`${machineDir}/exit`), existsSync(`${machineDir}/work`)]).toEqual([true, false]);
    expect(existsSync(`${run?.artifacts_path}/kept`)).toBe(true);
    expect(dirname(run?.logs_path ?? "")).toBe(`${box.home}/runs/${run?.id}/1`);
  });

  it("M: what a background program says when it crashes is in its log", async () => {
    const id = await detach("crash", `'${process.execPath}' -e 'throw new Error("went wrong here")'`);

    expect((await box.cli(["runs", "wait", id])).code).toBe(1);
    expect((await box.cli(["runs", "logs", id, "--tail", "20"])).stdout).toContain("Error: went wrong here");
  });
});
