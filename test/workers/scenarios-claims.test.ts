/** Twenty scenarios that brought down a dispatcher, 1 to 6 and 15 to 17: who owns a task, whatever others try. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { type OutputOf, openEngine } from "../../src/index.js";
import { gateIn } from "../crash/gate.js";
import { builtDist } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { eventsOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { dispatchesOf } from "./dispatches.js";
import { type Claim, verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

const ROUNDS = 100;

/** Claims each task of its arguments at the same time as the other one does. */
const claimer = () => `
import { existsSync, writeFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { open } from ${JSON.stringify(pathToFileURL(join(builtDist(), "index.js")).href)};
const [me, other, ...ids] = process.argv.slice(2);
const waybill = await open();
const won = [];
for (const [round, id] of ids.entries()) {
  writeFileSync(\`\${me}-\${round}\`, "");
  while (!existsSync(\`\${other}-\${round}\`)) await turn();
  try {
    await waybill.call("tasks.claim", { id, agent: me });
    won.push(id);
  } catch (error) {
    if (error.code !== "invalid_state") throw error;
  }
}
await waybill.close();
console.log(JSON.stringify(won));
`;

async function runClaimer(me: string, other: string, ids: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [box.path("claimer.mjs"), me, other, ...ids], { cwd: box.dir, env: box.env });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "exit")) as [number | null];
  const [out, err] = await said;
  if (code !== 0) throw new Error(`${me} ended with ${code}: ${err}`);
  return JSON.parse(out) as string[];
}

const now = () => Date.now();
const expiryOf = (id: string): number =>
  Number(
    rowsOf(
      box.home,
      `SELECT leases.expires_at AS at FROM tasks JOIN workers ON workers.owner = tasks.owner
       JOIN leases ON leases.name = workers.lease WHERE tasks.id = ?`,
      id,
    )[0]?.at ?? 0,
  );
const result = (claim: Claim, summary: string) =>
  verbs.say("result", claim, ["--kind", "success", "--summary", summary, "--json"]);

describe("who owns a task", () => {
  it(`1: of two that claim ${ROUNDS} tasks at the same moments each task has one, and the feed tells of one claim`, async () => {
    const tasks = Array.from({ length: ROUNDS }, (_one, index) => ({ name: `t${index}`, type: "race" }));
    writeFileSync(box.path("plan.yaml"), JSON.stringify({ version: 1, tasks }));
    const plan = await box.json<OutputOf<"tasks.create">>(["tasks", "create", "--file", "plan.yaml"]);
    const ids = plan.tasks.map(({ id }) => id);
    writeFileSync(box.path("claimer.mjs"), claimer());
    const [ann = [], bob = []] = await Promise.all([runClaimer("ann", "bob", ids), runClaimer("bob", "ann", ids)]);

    expect([...ann, ...bob].sort()).toEqual([...ids].sort());
    const claims = eventsOf(box.home, "task.started").map(({ subject }) => subject);
    expect(claims.sort()).toEqual([...ids].sort());
    expect(rowsOf(box.home, "SELECT DISTINCT state FROM tasks")).toEqual([{ state: "running" }]);
  });

  it("2: a release after the end is refused, tells the feed of no change, and leaves the counts right", async () => {
    const id = await verbs.submit("race");
    const claim = await verbs.claim(id);
    await result(claim, "done");
    const before = rowsOf(box.home, "SELECT count(*) AS n FROM events WHERE type <> 'write.refused'");
    const refused = await verbs.refused(["tasks", "release", id, "--fence", String(claim.fence)]);

    expect(refused).toMatchObject({ exit: 4, code: "stale_write" });
    expect(rowsOf(box.home, "SELECT count(*) AS n FROM events WHERE type <> 'write.refused'")).toEqual(before);
    const { types } = await box.json<OutputOf<"tasks.stats">>(["tasks", "stats"]);
    expect(types).toMatchObject([{ type: "race", states: { completed: 1, queued: 0, running: 0 } }]);
  });

  it("3: a claim that was refused leaves no trace, and whoever starts after it finds the owner unchanged", async () => {
    const id = await verbs.submit("race");
    const claim = await verbs.claim(id, "--agent", "ann");
    const events = rowsOf(box.home, "SELECT count(*) AS n FROM events");
    const refused = await verbs.refused(["tasks", "claim", id, "--agent", "bob"]);
    expect(refused).toMatchObject({ exit: 4, code: "invalid_state" });
    expect(rowsOf(box.home, "SELECT count(*) AS n FROM events")).toEqual(events);
    // Whatever is to be recovered, an engine recovers when it starts.
    const engine = await openEngine({ store: `file:${box.home}/waybill.db`, tasks: [] });
    await engine.start();
    await engine.close();

    const task = await dispatches.show(id);
    expect(task).toMatchObject({ state: "running", attempt: 1, attempts: [{ fence: claim.fence }] });
    expect(await result(claim, "done")).toMatchObject({ code: 0 });
  });

  it("4: a worker that gives signs of life is reclaimed by nobody, a killed one at once, a silent one with its lease", async () => {
    const id = await verbs.submit("race");
    const worker = dispatches.worker(gateIn(box, "never").wait);
    const living = dispatches.start(id, ["--lease", "3s", "--worker-bin", worker]);
    await until("it is executed", () => expiryOf(id) > 0);
    const end = expiryOf(id) + 6_000;
    while (now() < end) {
      const refused = await verbs.refused(["tasks", "reclaim", id, "--reason", "impatient"]);
      expect(refused).toMatchObject({ exit: 4, code: "worker_live" });
    }
    living.kill("SIGKILL");
    await living.ended;
    // A long lease: nothing but the proof of its death lets anybody have it in time.
    const again = dispatches.start(id, ["--lease", "1h", "--worker-bin", worker]);
    await until("it is executed again", () => expiryOf(id) > now() + 1_800_000);
    again.kill("SIGKILL");
    await again.ended;
    expect((await verbs.claim(id, "--wait", "--wait-timeout", "1m")).task).toMatchObject({ attempt: 3, crashes: 2 });
    const silent = await verbs.submit("race");
    await verbs.claim(silent, "--lease", "1s");
    expect((await verbs.claim(silent, "--wait", "--wait-timeout", "1m")).task).toMatchObject({
      attempt: 2,
      crashes: 1,
    });

    for (const [task, states] of [
      [id, ["lost", "lost", "running"]],
      [silent, ["lost", "running"]],
    ] as const) {
      expect((await dispatches.show(task)).attempts.map(({ state }) => state)).toEqual(states);
    }
    await dispatches.nothingLeft();
  });

  it("5: the result of an attempt that was reclaimed is refused, counted, and kept in the feed as a late write", async () => {
    const id = await verbs.submit("race");
    const old = await verbs.claim(id);
    await box.cli(["tasks", "reclaim", id, "--reason", "took too long", "--force"]);
    const next = await verbs.claim(id);
    const late = await result(old, "late");
    expect([late.code, JSON.parse(late.stderr).error.code]).toEqual([4, "stale_write"]);
    await result(next, "in time");

    const task = await dispatches.show(id);
    expect(task).toMatchObject({ state: "completed", result: { summary: "in time" } });
    expect(task.attempts).toMatchObject([{ returned: "reclaimed", result: null }, { state: "succeeded" }]);
    expect(eventsOf(box.home, "write.refused", id)).toMatchObject([
      { data: { fence: old.fence, found_fence: next.fence } },
    ]);
    expect(await verbs.staleWrites()).toBe(1);
  });

  it("6: when the new owner of a hand-off cannot have a path, the old one keeps the task as if nothing had been tried", async () => {
    const holder = await verbs.submit("race", "--write", "src/store/**");
    await verbs.claim(holder, "--agent", "eve");
    const id = await verbs.submit("race", "--write", "docs/");
    const claim = await verbs.claim(id, "--agent", "ann");
    const take = ["tasks", "dispatch", "worker", "--task-id", id, "--task-thread", id, "--worker-agent-id", "bob"];
    const refused = await verbs.refused([...take, "--claim-from-agent-id", "ann", "--write", "src/store/tasks.ts"]);

    expect(refused).toMatchObject({ exit: 4, code: "paths_conflict" });
    expect(JSON.stringify(refused.details)).toContain(holder);
    const task = await dispatches.show(id);
    expect(task).toMatchObject({ state: "running", attempt: 1, paths: [{ pattern: "docs/**" }] });
    expect(eventsOf(box.home, "task.handed_off")).toEqual([]);
    expect(await verbs.say("heartbeat", claim)).toMatchObject({ code: 0 });
    expect(await result(claim, "done")).toMatchObject({ code: 0 });
  });

  it("15: two sessions of one agent in one checkout are two owners, and neither acts for the other", async () => {
    const ids = [await verbs.submit("race"), await verbs.submit("race")];
    const [one, two] = await Promise.all(
      ["a", "b"].map((session) => verbs.claim("--agent", "ann", "--session", session)),
    );
    if (one === undefined || two === undefined) throw new Error("Both have one.");

    expect([one.task.id, two.task.id].sort()).toEqual([...ids].sort());
    expect(one.lease.name).not.toBe(two.lease.name);
    const stolen = await verbs.refused(["tasks", "heartbeat", one.task.id, "--fence", String(two.fence)]);
    expect(stolen).toMatchObject({ exit: 4, code: "stale_write" });
    await result(one, "first");
    expect(await verbs.show(two.task.id)).toMatchObject({ state: "running" });
    expect(await verbs.say("heartbeat", two)).toMatchObject({ code: 0 });
  });

  it("16: a claim is held across many short commands, none of which lives as long as it", async () => {
    const id = await verbs.submit("race");
    const claim = await verbs.claim(id, "--agent", "ann");
    for (const [verb, args] of [
      ["progress", ['{"done":1}']],
      ["note", ["reading the parser"]],
      ["heartbeat", []],
      ["progress", ['{"done":2}']],
    ] as const) {
      expect(await verbs.say(verb, claim, args)).toMatchObject({ code: 0 });
      expect(await verbs.refused(["tasks", "claim", id, "--agent", "bob"])).toMatchObject({ code: "invalid_state" });
    }
    await result(claim, "done");

    const task = await dispatches.show(id);
    expect(task).toMatchObject({ state: "completed", progress: { done: 2 }, notes: [{ text: "reading the parser" }] });
    expect(task.attempts).toHaveLength(1);
  });

  it("17: work that takes longer than its lease is done once, since its supervisor gives signs of life", async () => {
    const id = await verbs.submit("race");
    const gate = gateIn(box);
    const worker = dispatches.worker(`echo begun >>begun\n${gate.wait}\necho 'dispatch-result|success|long'`);
    const parent = dispatches.start(id, ["--lease", "2s", "--worker-bin", worker]);
    await until("it is executed", () => expiryOf(id) > 0);
    const first = expiryOf(id);
    await until("three leases have passed", () => expiryOf(id) > first + 6_000);
    gate.open();

    expect(await parent.ended).toMatchObject({ code: 0 });
    const task = await dispatches.show(id);
    expect(task).toMatchObject({ state: "completed", result: { summary: "long" } });
    expect(task.attempts).toHaveLength(1);
  });
});
