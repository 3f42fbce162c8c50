/** Three hundred entries over ten machines, two of which die midway and come back, while the dispatcher is killed again and again. */
import { existsSync, readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { BatchReport, ItemView } from "../../src/contracts/batch-views.js";
import type { OutputOf } from "../../src/index.js";
import { expectEndedOnce } from "../crash/aftermath.js";
import { gateIn } from "../crash/gate.js";
import { type FleetMachine, noSshd, startFleet } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { isAlive, signal } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { dispatcherOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectNothingLeftOnFleet } from "./fleet-aftermath.js";

const ENTRIES = 300;
const MACHINES = Array.from({ length: 10 }, (_, i) => `m${i}`);
/** They die once a third of the entries have been executed, and come back when all that can be done without them is done. */
const DYING = ["m8", "m9"] as const;
/** Nine minutes were seen on two cores that did much else. */
const LIMIT_MS = 900_000;

type Why = OutputOf<"system.why">;

const box = perTest(createSandbox);
let fleet: FleetMachine[];
beforeEach(async () => {
  fleet = await startFleet(box, MACHINES, { slots: 2, tags: ["any"], connect_timeout: "5s" });
});

const isDying = (machine: string | undefined): boolean => DYING.some((name) => name === machine);
const executions = (): string[] =>
  existsSync(box.path("executions")) ? readFileSync(box.path("executions"), "utf8").trim().split("\n").sort() : [];
const batchId = (): string => String(rowsOf(box.home, "SELECT id FROM batches")[0]?.id);
const show = (): Promise<BatchReport> => box.json<BatchReport>(["batch", "show", batchId()]);

/** Those first that a dying machine holds while it dies; those last that only it may take. */
function writePlan(): { readonly plan: string; readonly names: readonly string[] } {
  const held = DYING.map((machine) => ({ name: `held-on-${machine}`, dir: "held", machine }));
  const late = DYING.map((machine) => ({ name: `late-on-${machine}`, dir: "entry", machine }));
  const free = Array.from({ length: ENTRIES - held.length - late.length }, (_, i) => ({
    name: `entry-${String(i).padStart(3, "0")}`,
    dir: "entry",
    tag: "any",
  }));
  const entries = [...held, ...free, ...late];
  return { plan: box.plan("plan.yaml", entries), names: entries.map(({ name }) => name).sort() };
}

async function killDispatcher(): Promise<void> {
  const pid = await until("there is a dispatcher", () => dispatcherOf(box.home, batchId()));
  signal(pid, "SIGKILL");
  await until("the dispatcher is dead", () => !isAlive(pid));
}

const isOpen = (item: ItemView): boolean => item.run?.ended_at == null && item.state !== "skipped";

describe.skipIf(noSshd !== null)(
  `a batch of ${ENTRIES} entries on ${MACHINES.length} machines over ssh${noSshd === null ? "" : ` (skipped: ${noSshd})`}`,
  { timeout: LIMIT_MS },
  () => {
    it("does without two machines that die midway what can be done, says what it waits for, and ends when they are back", async () => {
      const gate = gateIn(box);
      const noted = `echo "$WAYBILL_PLAN_ENTRY" >> '${box.path("executions")}'`;
      box.work("entry", noted);
      box.work("held", `${noted}; ${gate.wait}`);
      const { plan, names } = writePlan();
      const batch = box.spawnCli(["batch", "run", plan, "--staging", "1", "--json"]);
      const reached = (count: number) => until(`${count} began`, () => executions().length >= count, LIMIT_MS);
      await reached(ENTRIES / 6);
      await killDispatcher();
      await reached(ENTRIES / 3);
      await until("the held are held", () => DYING.every((name) => executions().includes(`held-on-${name}`)), LIMIT_MS);
      const dying = fleet.filter(({ name }) => isDying(name));
      await Promise.all(dying.map(({ sshd }) => sshd.kill()));
      await killDispatcher();
      await reached(ENTRIES / 2);
      await killDispatcher();

      const waiting = await untilStuck();
      expect(waiting.progress).toMatchObject({ total: ENTRIES, finished: false, succeeded: false });
      const open = waiting.items.filter(isOpen);
      expect(waiting.progress.done).toBe(ENTRIES - open.length);
      expect(open.map(({ name }) => name)).toEqual(
        expect.arrayContaining(DYING.flatMap((name) => [`held-on-${name}`, `late-on-${name}`])),
      );
      for (const item of open) await expectExplained(item);
      expect(batch.hasEnded()).toBe(false);

      gate.open();
      await Promise.all(dying.map(({ sshd }) => sshd.start()));
      const end = await batch.ended;
      expect(end).toMatchObject({ code: 0 });
      expect((JSON.parse(end.stdout) as { data: BatchReport }).data.progress).toMatchObject({
        done: ENTRIES,
        finished: true,
        succeeded: true,
      });
      expect(executions()).toEqual(names);
      expectEndedOnce(box);
      await expectNothingLeftOnFleet(box, fleet);
    });
  },
);

/** The report once all is done but what the dead machines have, or alone may have. */
function untilStuck(): Promise<BatchReport> {
  const openElsewhere = `SELECT i.name FROM batch_items i LEFT JOIN runs r ON r.id = i.run_id
    WHERE (i.state = 'queued' AND i.name NOT LIKE 'late-on-%')
       OR (r.id IS NOT NULL AND r.ended_at IS NULL AND r.machine NOT IN ('${DYING.join("', '")}'))`;
  // What was given to a dead machine and was never asked to start there goes to another one, so it is looked twice.
  return until(
    "only the dead machines keep entries waiting",
    async () => {
      if (rowsOf(box.home, openElsewhere).length > 0) return null;
      const asked = `SELECT id FROM runs WHERE ended_at IS NULL AND start_asked_at IS NULL AND plan_entry LIKE 'entry-%'`;
      return rowsOf(box.home, asked).length > 0 ? null : await show();
    },
    LIMIT_MS,
  );
}

/** `why` names the machine that does not answer, or what waits for its slots. */
async function expectExplained({ name }: ItemView): Promise<void> {
  const { reasons } = await box.json<Why>(["why", `${batchId()}/${name}`]);
  const codes = reasons.map(({ code }) => code);
  expect({ name, codes }).toEqual({
    name,
    codes: name.startsWith("held")
      ? ["running", "unreachable"]
      : expect.arrayContaining([expect.stringMatching(/unreachable|slots_taken/)]),
  });
}
