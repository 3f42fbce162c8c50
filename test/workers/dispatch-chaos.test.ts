/** Parents of dispatches, killed and stopped at random: every task is done, with one winner and one owner at a time. */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openStore } from "../../src/index.js";
import { newSeed, type SeededRandom, seededRandom } from "../crash/seeded-random.js";
import { faultsInFeed } from "../harness/feed-faults.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { dispatchesOf, expectStored, HAND_OFF, takeOverAndStay } from "./dispatches.js";
import { verbsOf } from "./verbs.js";

const TASKS = 12;
const AT_ONCE = 3;
/** The third death of an owner would take a task out of the queue. */
const MOST_STRIKES = 2;
const LEASE_MS = 3_000;

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

describe(`${TASKS} dispatches whose parents are killed and stopped at random moments`, () => {
  const seed = newSeed();

  it(`are done, each by one of its workers (seed ${seed})`, { timeout: 600_000 }, async ({ annotate }) => {
    const random = seededRandom(seed);
    const ids: string[] = [];
    for (let index = 0; index < TASKS; index += 1) ids.push(await verbs.submit("struck"));
    const working = "echo working; sleep 0.3; echo 'dispatch-result|success|by itself'";
    const workers: [string, ...string[]] = [
      dispatches.worker(working),
      dispatches.worker(`${takeOverAndStay()}\n${working}`),
      dispatches.worker('waybill "$@"'),
    ];
    let strikes = 0;
    const carryOut = async (id: string): Promise<void> => {
      for (let struck = 0; struck < MOST_STRIKES; struck += 1) {
        if (await strike(id, random.pick(workers), random)) strikes += 1;
      }
      await until("it is done when it is left alone", async () => {
        const { code } = await dispatches.run(id, [HAND_OFF, "--worker-bin", workers[2] ?? ""]);
        return code === 0;
      });
    };
    const waiting = [...ids];
    const next = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await carryOut(id);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));

    for (const id of ids) await expectStored(box, id, { kind: "success" });
    for (const id of ids) await dispatches.show(id);
    const store = await openStore(`file:${box.home}/waybill.db`);
    expect(await faultsInFeed(store.events, new Set(ids))).toEqual([]);
    await store.close();
    await dispatches.nothingLeft();
    await annotate(`${strikes} parents were killed or stopped while they ran`);
  });
});

/** Starts a parent and has it killed, or stopped for longer than its lease. @returns whether that came before its end */
async function strike(id: string, worker: string, random: SeededRandom): Promise<boolean> {
  const handOff = random.below(2) === 0 ? [HAND_OFF] : [];
  const parent = dispatches.start(id, ["--lease", `${LEASE_MS}ms`, ...handOff, "--worker-bin", worker]);
  const kills = random.below(2) === 0;
  // Somewhere in what a parent does from its start to its end.
  await pause(random.below(1_500));
  if (parent.hasEnded()) return false;
  parent.kill(kills ? "SIGKILL" : "SIGSTOP");
  if (!kills) {
    await pause(random.below(2 * LEASE_MS));
    parent.kill("SIGCONT");
  }
  await parent.ended;
  return true;
}
