/** A run goes from a machine that gives no answer to one that may, and not to and fro between silent ones. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type FleetMachine, noSshd, startFleet } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { eventsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";

const NAMES = ["a", "b", "c"];

const box = perTest(createSandbox);
let fleet: FleetMachine[];
beforeEach(async () => {
  fleet = await startFleet(box, NAMES, { tags: ["any"] });
  await Promise.all(fleet.map(({ sshd }) => sshd.kill()));
});

/** How often the dispatcher has said that there was nothing to be done about the run but to wait. */
function restsOf(): number {
  const folder = join(box.home, "dispatchers");
  const logs = existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8")) : [];
  return logs.join("").split('"run.drive_failed"').length - 1;
}

describe.skipIf(noSshd !== null)(
  `a run whose machines are all silent${noSshd === null ? "" : ` (skipped: ${noSshd})`}`,
  { timeout: 120_000 },
  () => {
    it("is tried on each of them, waits on the last, and is executed when that is back", async () => {
      box.work("job", `echo ran >> '${box.path("executions")}'`);
      const plan = box.plan("plan.yaml", [{ name: "job", tag: "any" }]);
      const live = box.spawnCli(["batch", "run", plan, "--staging", "1"]);
      await until("the last was asked again and again", () => restsOf() >= 3);
      expect(eventsOf(box.home, "run.moved")).toHaveLength(NAMES.length - 1);
      await Promise.all(fleet.map(({ sshd }) => sshd.start()));
      expect(await live.ended).toMatchObject({ code: 0 });
      expect(readFileSync(box.path("executions"), "utf8")).toBe("ran\n");
    });
  },
);
