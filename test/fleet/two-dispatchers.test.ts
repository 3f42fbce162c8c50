/** Two dispatchers that know nothing of each other drive one run: the machine lets it start once. */
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { RunDetailView } from "../../src/contracts/run-views.js";
import { gateIn } from "../crash/gate.js";
import { type FleetMachine, noSshd, startFleet } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectNothingLeftOnFleet } from "./fleet-aftermath.js";

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;

const box = perTest(createSandbox);
let machines: FleetMachine[];
beforeEach(async () => {
  machines = await startFleet(box, ["far"], { slots: 2 });
});

const executions = (): string => readFileSync(box.path("executions"), "utf8");

describe.skipIf(noSshd !== null)(`two dispatchers${skipped}`, { timeout: 120_000 }, () => {
  it("with one store and a home each, asked for the same work at once, start it once and both follow it", async () => {
    const gate = gateIn(box);
    const dir = box.work("once", `echo ran >> '${box.path("executions")}'; ${gate.wait}; echo done; exit 5`);
    const elsewhere = { WAYBILL_HOME: box.path("other-home"), WAYBILL_STORE: `file:${join(box.home, "waybill.db")}` };
    const both = [{}, elsewhere].map((env) => box.spawnCli(["run", dir, "--machine", "far"], { env }));
    await Promise.all(both.map((one) => one.says(/ on far/)));
    gate.open();
    const ends = await Promise.all(both.map((one) => one.ended));
    expect(ends).toMatchObject([
      { code: 5, stdout: "done\n" },
      { code: 5, stdout: "done\n" },
    ]);
    expect(executions()).toBe("ran\n");
    expect(rowsOf(box.home, "SELECT status, exit_code FROM runs")).toEqual([{ status: "failed", exit_code: 5 }]);
    await expectNothingLeftOnFleet(box, machines);
  });

  it.each(["run.leased", "run.prepared", "run.start_asked"])(
    "with a store each, both of which have the run as it stood at %s, start it once and record the same end",
    async (step) => {
      const gate = gateIn(box);
      const dir = box.work("once", `echo ran >> '${box.path("executions")}'; ${gate.wait}; exit 5`);
      await box.cli(["run", dir, "--machine", "far"], { env: { WAYBILL_KILL_AT: step } });
      const id = String(rowsOf(box.home, "SELECT id FROM runs")[0]?.id);
      const twin = box.path("twin");
      cpSync(box.home, twin, { recursive: true });
      const homes = [box.home, twin];
      const both = homes.map((home) => box.spawnCli(["runs", "attach", id], { env: { WAYBILL_HOME: home } }));
      const isRunning = (home: string): boolean =>
        rowsOf(home, "SELECT 1 FROM runs WHERE status = 'running'").length > 0;
      await until("both know that it runs", () => homes.every(isRunning));
      gate.open();
      for (const { code, stderr } of await Promise.all(both.map((one) => one.ended))) expect(code, stderr).toBe(5);
      expect(executions()).toBe("ran\n");
      const shown = homes.map((home) => box.json<RunDetailView>(["runs", "show", id], { env: { WAYBILL_HOME: home } }));
      const [one, other] = await Promise.all(shown);
      expect(one).toMatchObject({ status: "failed", exit_code: 5 });
      expect([other?.status, other?.exit_code, other?.started_at, other?.ended_at]).toEqual([
        one?.status,
        one?.exit_code,
        one?.started_at,
        one?.ended_at,
      ]);
      await expectNothingLeftOnFleet(box, machines);
    },
  );
});
