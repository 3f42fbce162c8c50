/** Whoever ends a run, and however its program resists, no descendant of it is alive afterwards. */
import { existsSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BatchReport } from "../../src/contracts/batch-views.js";
import type { RunView } from "../../src/contracts/run-views.js";
import { perTest } from "../harness/per-test.js";
import { processesWith } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { gateIn } from "./gate.js";

/** A child that ignores TERM, one that left the session behind a dead parent, and one two forks down; seven with sleeps. */
const STUBBORN = [
  "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' &",
  "(setsid sh -c 'trap \"\" TERM HUP; sleep 600 & sleep 600; :' &)",
  "sh -c 'sh -c \"sleep 600; :\"; :' &",
  "echo up; wait",
].join("\n");
const LEAST = 7;

const box = perTest(createSandbox);

const descendants = (id: string) => processesWith(`WAYBILL_RUN_ID=${id}`);
const allUp = (id: string) => until("all descendants are up", () => descendants(id).length >= LEAST);
const show = (id: string): Promise<RunView> => box.json(["runs", "show", id]);

describe("no descendant is alive after", { timeout: 120_000 }, () => {
  it("`runs cancel`", async () => {
    const started = await box.cli(["run", box.work("stubborn", STUBBORN), "--detach", "--grace", "300ms"]);
    const id = started.stdout.trim();
    await allUp(id);
    expect(await box.cli(["runs", "cancel", id])).toMatchObject({ code: 0 });
    expect(descendants(id)).toEqual([]);
    expect(await show(id)).toMatchObject({ status: "interrupted", error_code: "cancelled" });
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("the time limit", async () => {
    const dir = box.work("stubborn", STUBBORN);
    const command = box.spawnCli(["run", dir, "--timeout", "3s", "--grace", "300ms"]);
    const id = (await command.says(/run ([0-9a-f-]{36}) on local/))[1] ?? "";
    await allUp(id);
    expect((await command.ended).code).toBe(124);
    expect(descendants(id)).toEqual([]);
    expect(await show(id)).toMatchObject({ status: "timeout", error_code: "timeout" });
    await expectNothingLeft(box);
  });

  it("Ctrl-C on `waybill run`", async () => {
    const command = box.spawnCli(["run", box.work("stubborn", STUBBORN), "--grace", "300ms"]);
    const id = (await command.says(/run ([0-9a-f-]{36}) on local/))[1] ?? "";
    await allUp(id);
    command.kill("SIGINT");
    expect((await command.ended).code).toBe(130);
    expect(descendants(id)).toEqual([]);
    expect(await show(id)).toMatchObject({ status: "interrupted", error_code: "cancelled" });
    await expectNothingLeft(box);
  });

  it("`runs cancel` of a run whose driver was killed", async () => {
    const command = box.spawnCli(["run", box.work("stubborn", STUBBORN), "--grace", "300ms"]);
    const id = (await command.says(/run ([0-9a-f-]{36}) on local/))[1] ?? "";
    await allUp(id);
    command.kill("SIGKILL");
    await command.ended;
    expect(await box.cli(["runs", "cancel", id])).toMatchObject({ code: 0 });
    expect(descendants(id)).toEqual([]);
    await expectNothingLeft(box);
  });

  it("`batch cancel` in the middle, and what was queued is skipped", async () => {
    box.machines({ one: { tags: ["any"] }, two: { tags: ["any"] } });
    box.work("stubborn", STUBBORN);
    const names = ["a", "b", "c", "d", "e"];
    const plan = box.plan(
      "plan.yaml",
      names.map((name) => ({ name, dir: "stubborn", tag: "any" })),
    );
    const started = await box.json<BatchReport>(["batch", "run", plan, "--staging", "1", "--detach"]);
    const ids = rowsOf(box.home, "SELECT id FROM runs").map((row) => String(row.id));
    expect(ids.length).toBe(2);
    for (const id of ids) await allUp(id);
    const report = await box.json<BatchReport>(["batch", "cancel", started.batch.id]);
    expect(report.progress).toMatchObject({ finished: true, skipped: 3, by_status: { interrupted: 2 } });
    expect(ids.flatMap(descendants)).toEqual([]);
    const watched = await box.cli(["batch", "run", plan, "--staging", "1"]);
    expect(watched.code).toBe(1);
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });
});

describe("a command that is told to leave", { timeout: 120_000 }, () => {
  it.each(["SIGTERM", "SIGHUP"] as const)(
    "by %s leaves with 130, and its run goes on until it is cancelled",
    async (name) => {
      const command = box.spawnCli(["run", box.work("stubborn", STUBBORN), "--grace", "300ms"]);
      const id = (await command.says(/run ([0-9a-f-]{36}) on local/))[1] ?? "";
      await allUp(id);
      command.kill(name);
      expect(await command.ended).toMatchObject({ code: 130, stderr: expect.stringContaining("left running") });
      expect(await show(id)).toMatchObject({ status: "running" });
      expect(await box.cli(["runs", "cancel", id])).toMatchObject({ code: 0 });
      expect(descendants(id)).toEqual([]);
      await expectNothingLeft(box);
    },
  );

  it("by Ctrl-C while it is attached leaves with 130, and the run goes on to its own end", async () => {
    const gate = gateIn(box);
    const started = await box.cli(["run", box.work("waiting", `echo up; ${gate.wait}; exit 3`), "--detach"]);
    const attached = box.spawnCli(["runs", "attach", started.stdout.trim()]);
    await attached.says(/up/);
    attached.kill("SIGINT");
    expect(await attached.ended).toMatchObject({ code: 130, stderr: expect.stringContaining("left running") });
    gate.open();
    expect((await box.cli(["runs", "wait", started.stdout.trim()])).code).toBe(3);
    await expectNothingLeft(box);
  });

  it("by TERM before it has decided anything leaves with 130 and records nothing", async () => {
    const dir = box.work("large", "exit 0", { sparse: "" });
    truncateSync(join(dir, "sparse"), 8 * 1024 ** 3);
    const command = box.spawnCli(["run", dir]);
    await until("it has opened its store and reads the directory", () => existsSync(join(box.home, "waybill.db")));
    command.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 130, stderr: "" });
    expect(rowsOf(box.home, "SELECT id FROM runs")).toEqual([]);
  });
});
