/** Twenty scenarios that brought down a dispatcher, 7, 8, 10 and 19: death at every step, and what the next one finds. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Step } from "../../src/observe/steps.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { type Dispatched, dispatchesOf, expectStored, HAND_OFF, takeOverAndStay } from "./dispatches.js";
import { verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

const killedAt = (step: Step) => ({ env: { WAYBILL_KILL_AT: step } });

/** Answers as it is started, and has itself killed at a step before. */
const dyingWorker = (step: Step): string =>
  dispatches.worker(`WAYBILL_KILL_AT=${step}; export WAYBILL_KILL_AT; waybill "$@"`);

/** As a disk that goes bad under it: what is read from now on is no database. */
function spoilStore({ home }: Sandbox): void {
  const file = join(home, "waybill.db");
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(name)) writeFileSync(name, Buffer.alloc(statSync(name).size, 0xa5));
  }
}

/** The next one that comes: the task is done, once, and nothing of the dead is left. */
async function expectDoneByTheNext(id: string, args: readonly string[] = []): Promise<Dispatched> {
  const answer = await until("the next parent has it", async () => {
    const { stdout, stderr } = await dispatches.run(id, [...args, "--json"]);
    if (stdout !== "") return (JSON.parse(stdout) as { data: Dispatched }).data;
    // What the dead parent looked after is ended by its warden first, and is nobody else's until then.
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "invalid_state" } });
    return null;
  });
  expect(await dispatches.show(id)).toMatchObject({ state: "completed" });
  await dispatches.nothingLeft();
  return answer;
}

describe("a dispatch that is cut off", () => {
  it.each<[Step, readonly string[]]>([
    ["dispatch.claimed", []],
    ["dispatch.worker_started", []],
    ["dispatch.worker_ended", []],
    ["dispatch.recorded", []],
    ["dispatch.claimed", [HAND_OFF]],
    ["dispatch.worker_started", [HAND_OFF]],
    ["dispatch.worker_ended", [HAND_OFF]],
  ])(
    "7: a parent that is killed at %s %j leaves a task that is done already, or that the next one does",
    async (step, way) => {
      const id = await verbs.submit("cut");
      const dying = await dispatches.run(id, way, killedAt(step));

      expect(dying).toMatchObject({ signal: "SIGKILL" });
      await expectDoneByTheNext(id);
    },
  );

  it("7: a parent that is killed when it has taken the claim back leaves a task that the next one does", async () => {
    const id = await verbs.submit("cut");
    const worker = dispatches.worker(takeOverAndStay());
    const dying = await dispatches.run(id, [HAND_OFF, "--worker-bin", worker], killedAt("dispatch.taken_back"));

    expect(dying).toMatchObject({ signal: "SIGKILL" });
    expect(await expectDoneByTheNext(id)).toMatchObject({ outcome: "recorded", task: { attempt: 4, crashes: 1 } });
  });

  it("7: a worker that is killed right after it took the claim over leaves it to its parent, which queues the task again", async () => {
    const id = await verbs.submit("cut");
    const worker = dyingWorker("dispatch.handed_over");
    const answer = await dispatches.answer(id, [HAND_OFF, "--worker-bin", `${worker}`]);

    expect(answer).toMatchObject({ error_code: expect.stringMatching(/^(lost|nonzero_exit)$/) });
    const { attempts } = await dispatches.show(id);
    expect(attempts.map(({ returned }) => returned)).toEqual(["handed_off", "handed_off", null]);
    await box.cli(["tasks", "retry", id]);
    await expectDoneByTheNext(id);
  });

  it("7: a worker that is killed right after it recorded its result has recorded it", async () => {
    const id = await verbs.submit("cut");
    const answer = await dispatches.answer(id, [HAND_OFF, "--worker-bin", dyingWorker("dispatch.answered")]);

    expect(answer).toMatchObject({ source: "store", error_code: null, task: { state: "completed" } });
    await expectStored(box, id, { kind: "success", summary: "done" });
  });

  it("7: a parent that is killed while its worker works takes the worker along, before anybody else begins", async () => {
    const id = await verbs.submit("cut");
    // Its parent's end of its pipes dies with the parent: what it says then would end it.
    const worker = dispatches.worker(
      "exec >/dev/null 2>&1; trap 'sleep 1; echo ended >>begun; exit' TERM; echo begun >>begun; while :; do sleep 0.05; done",
    );
    const parent = dispatches.start(id, ["--lease", "1h", "--worker-bin", worker]);
    await until("it works", () => existsSync(box.path("begun")));
    parent.kill("SIGKILL");
    await parent.ended;
    await expectDoneByTheNext(id, ["--worker-bin", dispatches.worker("echo next >>begun")]);

    expect(readFileSync(box.path("begun"), "utf8")).toBe("begun\nended\nnext\n");
  });

  it("8: a result that was stored before anybody waited for it is what every later waiter gets", async () => {
    const id = await verbs.submit("cut");
    const dying = await dispatches.run(id, ["--worker-summary", "early"], killedAt("dispatch.recorded"));
    expect(dying).toMatchObject({ signal: "SIGKILL" });

    await expectStored(box, id, { kind: "success", summary: "early" });
    expect(await box.cli(["tasks", "wait", id, "--timeout", "10s"])).toMatchObject({ code: 0 });
    expect(await verbs.show(id)).toMatchObject({ result: { summary: "early" } });
  });

  it("10: a parent whose store is lost ends its worker and says so, and whoever comes to wait then is told too", async () => {
    const [waited, worked] = [await verbs.submit("cut"), await verbs.submit("cut")];
    const worker = dispatches.worker("echo begun >begun; exec sleep 1000");
    const parent = dispatches.start(worked, ["--json", "--worker-bin", worker]);
    await until("it works", () => existsSync(box.path("begun")));
    spoilStore(box);
    const waiting = box.spawnCli(["tasks", "wait", waited, "--json"]);

    for (const { code, stderr } of await Promise.all([waiting.ended, parent.ended])) {
      expect(code).toBe(5);
      expect(JSON.parse(stderr)).toMatchObject({ ok: false, error: { code: "store_corrupt" } });
    }
    await dispatches.nothingLeft();
  });

  it("19: a plan of many tasks whose submitter is killed at any moment is submitted whole, or not at all", async () => {
    const tasks = Array.from({ length: 3_000 }, (_one, index) => ({
      name: `t${index}`,
      type: "planned",
      ...(index === 0 ? {} : { after: [`t${index - 1}`] }),
    }));
    writeFileSync(box.path("plan.yaml"), JSON.stringify({ version: 1, tasks }));
    await box.cli(["store", "info"]);
    const count = () => Number(rowsOf(box.home, "SELECT count(*) AS n FROM tasks")[0]?.n);
    const grown = () => statSync(join(box.home, "waybill.db-wal"), { throwIfNoEntry: false })?.size ?? 0;
    const counts = new Set<number>();
    for (const bytes of [1, 50_000, 400_000, 800_000]) {
      const live = box.spawnCli(["tasks", "create", "--file", "plan.yaml"]);
      await until("it writes, or is done", () => grown() >= bytes || live.hasEnded());
      live.kill("SIGKILL");
      await live.ended;
      counts.add(count());
    }

    expect([...counts].filter((n) => n !== 0 && n !== tasks.length)).toEqual([]);
    expect(await box.cli(["tasks", "create", "--file", "plan.yaml"])).toMatchObject({ code: 0 });
    expect(count()).toBe(tasks.length);
  });
});
