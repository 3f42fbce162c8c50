/** Workers by the dozen, killed and stopped at random: no task is lost, none is executed by two at a time. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defineTask } from "../../src/engine/task-definition.js";
import { newSeed, seededRandom } from "../crash/seeded-random.js";
import { anything } from "../engine/workshop.js";
import { faultsInFeed } from "../harness/feed-faults.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { WorkerStorm } from "./worker-storm.js";
import { openYard } from "./worker-yard.js";

/** The whole storm lasts a minute; a shorter one has as many workers and tasks fewer. */
const WHOLE = { ms: 60_000, workers: 50, tasks: 5_000 } as const;
const ms = Number(process.env.WAYBILL_TEST_STORM_MS ?? 10_000);
const part = Math.min(1, ms / WHOLE.ms);
const workers = Math.max(8, Math.round(WHOLE.workers * part));
const tasks = Math.round(WHOLE.tasks * part);
/** Many processes on two busy cores get to write seldom, and have to renew within a lease all the same. */
const LEASE_MS = Math.max(10_000, 500 * workers);
const DEADLINE_MS = 600_000;

const yard = perTest(openYard);

describe(`${workers} workers of which one after the other is killed or stopped, for ${ms / 1_000} s`, () => {
  const seed = newSeed();

  it(`complete ${tasks} tasks, with one winner and one owner at a time for each (seed ${seed})`, {
    timeout: ms + 2 * DEADLINE_MS,
  }, async ({ annotate }) => {
    const script = 'echo "$WAYBILL_TASK_ID $WAYBILL_FENCE" >>notes; sleep 0.1';
    const storm = new WorkerStorm(yard, { workers, leaseMs: LEASE_MS, script, random: seededRandom(seed) });
    const work = defineTask({ type: "t", params: anything, run: () => null });
    const submitted = await yard.client.tasks.submitMany(
      work,
      Array.from({ length: tasks }, (_, params) => ({ params })),
    );
    const ids = new Set(submitted.map(({ id }) => id));
    const from = Date.now();
    await storm.begin();
    await storm.rage(ms);
    const states = async () => (await yard.store.tasks.taskStats())[0]?.states;
    await until("every task is completed", async () => (await states())?.completed === tasks, DEADLINE_MS);
    const tookS = Math.round((Date.now() - from) / 1_000);

    expect(await storm.end()).toEqual(Array.from({ length: workers }, () => 0));
    expect(await faultsInFeed(yard.store.events, ids)).toEqual([]);
    const executed = readFileSync(yard.box.path("notes"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    expect(new Set(executed)).toEqual(ids);
    const { lost, unstruck } = await lostAttempts(storm, ids);
    expect(unstruck).toEqual([]);
    expect(storm.kills + storm.stops).toBeGreaterThan(3);
    await annotate(
      `${tookS} s, ${storm.kills} kills, ${storm.stops} stops, ${storm.inWrite} more within a write, ${lost} attempts lost, ${executed.length} begun`,
    );
  });

  /** How many attempts were taken from their owners, and those whose owners nobody had struck. */
  async function lostAttempts(storm: WorkerStorm, ids: ReadonlySet<string>) {
    const attempts = (await Promise.all([...ids].map((id) => yard.store.attempts.listAttempts(id)))).flat();
    const lost = attempts.filter(({ state }) => state === "lost");
    const owners = await yard.store.workers.workersByOwner(lost.map(({ owner }) => owner));
    const unstruck = lost.flatMap(({ owner, startedAt, endedAt, failure }) => {
      const session = owners.get(owner)?.session ?? "unknown";
      return storm.struck.has(session) ? [] : [{ session, startedAt, endedAt, failure }];
    });
    return { lost: lost.length, unstruck };
  }
});
