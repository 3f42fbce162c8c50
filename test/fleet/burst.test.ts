/** Many runs at once on one server that allows ten sessions on a connection, as OpenSSH does by itself. */
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BatchReport } from "../../src/contracts/batch-views.js";

import { type FleetMachine, noSshd, startMachine } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { expectNothingLeftOnFleet } from "./fleet-aftermath.js";
import { sessionsOf } from "./server-log.js";

const RUNS = 64;
/** Each makes requests without knowing of the others. */
const CALLERS = 12;
const LONG = { deadlineMs: 240_000 } as const;

const box = perTest(createSandbox);
let machine: FleetMachine;
beforeEach(async () => {
  machine = await startMachine(box, "big", { lines: ["LogLevel VERBOSE"] }, { slots: RUNS, tags: ["any"] });
  box.machines({ big: machine.lines });
});
afterEach(() => machine.sshd.kill());

const executions = (): string[] =>
  existsSync(box.path("executions")) ? readFileSync(box.path("executions"), "utf8").trim().split("\n").sort() : [];

describe.skipIf(noSshd !== null)(
  `${RUNS} runs at once on one server${noSshd === null ? "" : ` (skipped: ${noSshd})`}`,
  { timeout: 300_000 },
  () => {
    it("share few connections, and none of their requests is refused a session", async () => {
      // Sixty-four programs that wait in a loop would be the load; a pipe that nobody writes to holds them for nothing.
      const gate = box.path("gate");
      execFileSync("mkfifo", [gate]);
      box.work("entry", `echo "$WAYBILL_PLAN_ENTRY" >> '${box.path("executions")}'; : < '${gate}'`);
      const names = Array.from({ length: RUNS }, (_, i) => `entry-${String(i).padStart(2, "0")}`);
      const plan = box.plan(
        "plan.yaml",
        names.map((name) => ({ name, dir: "entry", tag: "any" })),
      );
      const batch = box.spawnCli(["batch", "run", plan, "--staging", "1", "--json"]);
      await until("all of them run", () => executions().length === RUNS, 180_000);
      const opened = openSync(gate, "r+");
      const end = await batch.ended;
      closeSync(opened);
      expect(end).toMatchObject({ code: 0 });
      expect((JSON.parse(end.stdout) as { data: BatchReport }).data.progress).toMatchObject({
        done: RUNS,
        succeeded: true,
      });
      expect(executions()).toEqual(names);
      const seen = sessionsOf(machine.sshd);
      expect(seen).toMatchObject({ refused: 0 });
      expect(seen.mostAtOnce).toBeLessThanOrEqual(10);
      // A watch that was replaced and has not left yet may make the next one open another connection.
      expect(seen.connections).toBeLessThan(RUNS / 8);
      await expectNothingLeftOnFleet(box, [machine]);
    });

    it(`of ${CALLERS} processes all end as their programs do, whatever the server refuses`, async () => {
      const dirs = Array.from({ length: CALLERS }, (_, i) => box.work(`own-${i}`, `echo "this is ${i}"; exit ${i}`));
      const ends = await Promise.all(dirs.map((dir) => box.cli(["run", dir, "--machine", "big"], LONG)));
      expect(ends.map(({ stdout }) => stdout)).toEqual(dirs.map((_, i) => `this is ${i}\n`));
      expect(ends.map(({ code }) => code)).toEqual(dirs.map((_, i) => i));
      await expectNothingLeftOnFleet(box, [machine]);
    });
  },
);
