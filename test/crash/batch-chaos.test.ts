/** Two hundred entries on eight machines, with submitter and dispatcher killed at random points, twenty times over. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BatchReport } from "../../src/contracts/batch-views.js";
import type { LiveCli } from "../harness/cli-process.js";
import { isAlive, signal } from "../harness/processes.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { dispatcherOf, eventsOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { newSeed, type SeededRandom, seededRandom } from "./seeded-random.js";

const ENTRIES = 200;
const MACHINES = 8;
const REPETITIONS = 20;
const KILLS = 3;
const VICTIMS = ["submitter", "dispatcher", "both"] as const;

const names = Array.from({ length: ENTRIES }, (_, i) => `entry-${String(i).padStart(3, "0")}`);
const seed = newSeed();

let box: Sandbox;
let plan = "";
beforeAll(() => {
  box = createSandbox();
  const machines = Array.from({ length: MACHINES }, (_, i) => [`m${i}`, { tags: ["any"] }] as const);
  box.machines(Object.fromEntries(machines));
  box.work("entry", `echo "$WAYBILL_PLAN_ENTRY" >> '${box.dir}/'"$WAYBILL_BATCH_ID"`);
  plan = box.plan(
    "plan.yaml",
    names.map((name) => ({ name, dir: "entry", tag: "any" })),
  );
});
afterAll(() => box.dispose());

const batchOf = (staging: string): string | null => {
  const found = rowsOf(box.home, "SELECT id FROM batches WHERE staging = ?", staging)[0]?.id;
  return found === undefined ? null : String(found);
};

const decided = (staging: string): number =>
  Number(
    rowsOf(
      box.home,
      "SELECT count(*) AS n FROM batch_items JOIN batches ON id = batch_id WHERE staging = ? AND state <> 'queued'",
      staging,
    )[0]?.n ?? 0,
  );

async function killDispatcher(submitter: LiveCli, staging: string): Promise<boolean> {
  const found = () => dispatcherOf(box.home, batchOf(staging) ?? "");
  const pid = await until("there is a dispatcher", () => found() ?? (submitter.hasEnded() ? "ended" : null));
  if (pid === "ended" || !signal(pid, "SIGKILL")) return false;
  await until("the dispatcher is dead", () => !isAlive(pid));
  return true;
}

async function killSubmitter(submitter: LiveCli): Promise<boolean> {
  submitter.kill("SIGKILL");
  return (await submitter.ended).signal === "SIGKILL";
}

/** Kills at `KILLS` random points of one batch. A submitter whose dispatcher was killed goes on and brings up another. */
async function disturb(command: readonly string[], staging: string, random: SeededRandom): Promise<number> {
  let submitter = box.spawnCli(command);
  let killed = 0;
  for (let n = 0; n < KILLS; n += 1) {
    const from = decided(staging);
    const point = from + random.below(Math.max(1, (ENTRIES - from) >> 1));
    await until(`${point} entries are decided`, () => submitter.hasEnded() || decided(staging) >= point);
    const victim = random.pick(VICTIMS);
    if (victim !== "submitter" && (await killDispatcher(submitter, staging))) killed += 1;
    if (victim === "dispatcher") continue;
    if (await killSubmitter(submitter)) killed += 1;
    submitter = box.spawnCli(command);
  }
  return killed;
}

describe(`a batch of ${ENTRIES} entries, killed at random (seed ${seed})`, { timeout: 300_000 }, () => {
  const random = seededRandom(seed);
  const rounds = Array.from({ length: REPETITIONS }, (_, i) => i + 1);
  it.each(rounds)("decides and executes every entry once, round %i", async (round) => {
    const staging = `round-${round}`;
    const command = ["batch", "run", plan, "--staging", staging];
    expect(await disturb(command, staging, random)).toBeGreaterThan(0);
    const report = await box.json<BatchReport>(command);
    expect(report.progress).toMatchObject({ total: ENTRIES, done: ENTRIES, finished: true, succeeded: true });
    expect(readFileSync(box.path(report.batch.id), "utf8").trim().split("\n").sort()).toEqual(names);
    expect(rowsOf(box.home, "SELECT name FROM batch_items WHERE state = 'queued'")).toEqual([]);
    expect(eventsOf(box.home, "batch.item_dispatched", report.batch.id).length).toBe(ENTRIES);
    await expectNothingLeft(box);
    expectEndedOnce(box);
  });
});
