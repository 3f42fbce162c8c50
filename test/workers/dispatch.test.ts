/** `waybill tasks dispatch parent`: looks after its worker, and lets go of what is somebody else's. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gateIn } from "../crash/gate.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { leasesOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { dispatchesOf, HAND_OFF, takeOverAndStay } from "./dispatches.js";
import { verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

const submit = (...args: string[]) => verbs.submit("review", ...args);
const textOf = (name: string) => readFileSync(box.path(name), "utf8");
const runs = (id: string) =>
  until(
    "the task is executed",
    () => rowsOf(box.home, "SELECT 1 FROM tasks WHERE id = ? AND state = 'running'", id).length > 0,
  );

describe("a dispatch", () => {
  it("keeps its claim while the worker runs, for longer than a lease", async () => {
    const id = await submit();
    const gate = gateIn(box);
    const parent = dispatches.start(id, ["--lease", "1s", "--worker-bin", dispatches.worker(gate.wait)]);
    await runs(id);
    const first = dispatches.leaseUntil();
    await until("four leases have passed", () => dispatches.leaseUntil() > first + 4_000);
    gate.open();

    expect(await parent.ended).toMatchObject({ code: 0 });
    expect((await dispatches.show(id)).attempts).toHaveLength(1);
  });

  it("ends a worker whose time is over, after the grace that it needs", async () => {
    const worker = dispatches.worker("trap 'echo tidied >tidied; exit 1' TERM; while :; do sleep 0.05; done");
    const answer = await dispatches.answer(await submit(), ["--timeout", "500ms", "--worker-bin", worker]);

    expect(answer).toMatchObject({ error_code: "timeout", task: { state: "scheduled", failures: 1 }, source: "none" });
    expect(textOf("tidied")).toBe("tidied\n");
    const deaf = dispatches.worker("trap '' TERM; while :; do sleep 0.05; done");
    const killed = await dispatches.answer(await submit("--timeout", "500ms"), [
      "--grace",
      "200ms",
      "--worker-bin",
      deaf,
    ]);
    expect(killed).toMatchObject({ error_code: "timeout" });
    await dispatches.nothingLeft();
  });

  it("lets a worker bring its work home although its time is over", async () => {
    const worker = dispatches.worker(
      "trap \"echo 'dispatch-result|success|just in time'; exit\" TERM; while :; do sleep 0.05; done",
    );
    const answer = await dispatches.answer(await submit(), ["--timeout", "500ms", "--worker-bin", worker]);

    expect(answer).toMatchObject({ error_code: null, result: { summary: "just in time" } });
  });

  it.each([[[]], [[HAND_OFF]]])("tells its worker that somebody asked for the end, %j", async (way) => {
    const id = await submit();
    const gate = gateIn(box, "never");
    const take = way.length === 0 ? "" : takeOverAndStay();
    const parent = dispatches.start(id, [
      ...way,
      "--json",
      "--agent",
      "ann",
      "--worker-bin",
      dispatches.worker(`${take}\n${gate.wait}`),
    ]);
    await until(
      "it is executed as often as it should be",
      async () => (await verbs.show(id)).attempt === way.length + 1,
    );
    await box.cli(["tasks", "cancel", id, "--no-wait"]);

    expect(await parent.ended).toMatchObject({ code: 130 });
    expect(await dispatches.show(id)).toMatchObject({ state: "cancelled" });
    await dispatches.nothingLeft();
  });

  it("gives the task back when it is told to leave, and counts nothing", async () => {
    const id = await submit();
    const parent = dispatches.start(id, ["--worker-bin", dispatches.worker("exec sleep 1000")]);
    await runs(id);
    parent.kill("SIGINT");

    expect(await parent.ended).toMatchObject({ code: 130 });
    expect(await dispatches.show(id)).toMatchObject({ state: "queued", failures: 0, crashes: 0 });
    await dispatches.nothingLeft();
  });

  it("ends its worker when somebody takes the task by force, and writes nothing more about it", async () => {
    const id = await submit();
    const parent = dispatches.start(id, ["--json", "--worker-bin", dispatches.worker("exec sleep 1000")]);
    await runs(id);
    expect(await verbs.refused(["tasks", "reclaim", id, "--reason", "slow"])).toMatchObject({ code: "worker_live" });
    await box.cli(["tasks", "reclaim", id, "--reason", "slow", "--force"]);
    const next = await verbs.claim(id);

    const { code, stderr } = await parent.ended;
    expect([code, JSON.parse(stderr).error.code]).toEqual([4, "lease_lost"]);
    expect(await dispatches.show(id)).toMatchObject({ state: "running", attempt: next.task.attempt });
    expect(await verbs.staleWrites()).toBe(0);
    await dispatches.nothingLeft();
  });

  it("goes on under a claim that the caller has, and under no other fence", async () => {
    const id = await submit();
    const claim = await verbs.claim(id);
    const wrong = await verbs.refused(["tasks", "dispatch", "parent", "--task-id", id, "--fence", "999"]);
    expect(wrong).toMatchObject({ exit: 4, code: "stale_write" });
    const answer = await dispatches.answer(id, ["--fence", String(claim.fence)]);

    expect(answer).toMatchObject({ source: "line", task: { state: "completed", attempt: 1 } });
    expect(await verbs.staleWrites()).toBe(1);
  });

  it("takes the fence of its environment for that of its own task alone", async () => {
    const outer = await verbs.claim(await submit());
    const env = { WAYBILL_TASK_ID: outer.task.id, WAYBILL_FENCE: String(outer.fence) };
    const inner = await dispatches.answer(await submit(), [], { env });
    const own = await dispatches.answer(outer.task.id, [], { env });

    expect([inner.task.state, own.task.state, own.task.attempt]).toEqual(["completed", "completed", 1]);
  });

  it("is one of two for one task; the other is told that it is executed", async () => {
    const id = await submit();
    const gate = gateIn(box);
    const first = dispatches.start(id, ["--worker-bin", dispatches.worker(gate.wait)]);
    await runs(id);
    const second = await verbs.refused(["tasks", "dispatch", "parent", "--task-id", id]);
    gate.open();

    expect(second).toMatchObject({ exit: 4, code: "invalid_state" });
    expect(await first.ended).toMatchObject({ code: 0 });
    expect((await dispatches.show(id)).attempts).toHaveLength(1);
  });

  it("that was stopped for longer than its lease ends its worker when it is back, and leaves the task to others", async () => {
    const id = await submit();
    const worker = dispatches.worker("exec sleep 1000");
    const parent = dispatches.start(id, ["--json", "--lease", "1s", "--worker-bin", worker]);
    await runs(id);
    parent.kill("SIGSTOP");
    const next = await verbs.claim(id, "--wait", "--wait-timeout", "1m");
    parent.kill("SIGCONT");

    const { code, stderr } = await parent.ended;
    expect([code, JSON.parse(stderr).error.code]).toEqual([4, "lease_lost"]);
    expect(await verbs.say("result", next, ["--kind", "success", "--summary", "by the next"])).toMatchObject({
      code: 0,
    });
    expect(await dispatches.show(id)).toMatchObject({ state: "completed", result: { summary: "by the next" } });
    await dispatches.nothingLeft();
  });

  it("whose warden is killed ends its worker at once, since others may have the task from then on", async () => {
    const id = await submit();
    const worker = dispatches.worker("trap '' TERM; echo begun >begun; while :; do sleep 0.05; done");
    const args = ["--json", "--grace", "1h", "--timeout", "60d", "--worker-bin", worker];
    const parent = dispatches.start(id, args);
    await until("it is executed", () => existsSync(box.path("begun")));
    const [warden] = leasesOf(box.home).filter(({ name }) => name.startsWith("worker/"));
    process.kill(warden?.pid ?? 0, "SIGKILL");
    const { stdout } = await parent.ended;

    expect(JSON.parse(stdout).data).toMatchObject({ error_code: "lost", task: { state: "queued", crashes: 1 } });
    await dispatches.nothingLeft();
  });

  it("that is killed under a claim of its caller leaves it to that claim's lease", async () => {
    const id = await submit();
    const { fence } = await verbs.claim(id, "--lease", "2s");
    const worker = dispatches.worker("echo begun >begun; exec sleep 1000");
    const parent = dispatches.start(id, ["--fence", String(fence), "--lease", "2s", "--worker-bin", worker]);
    await until("it is executed", () => existsSync(box.path("begun")));
    parent.kill("SIGKILL");
    await parent.ended;
    await dispatches.nothingLeft();
    const next = await verbs.claim(id, "--wait", "--wait-timeout", "1m");

    expect(next.task).toMatchObject({ attempt: 2, crashes: 1 });
  });

  it("claims nothing when its worker cannot be started, or somebody else executes the task", async () => {
    const id = await submit();
    const missing = ["tasks", "dispatch", "parent", "--task-id", id, "--worker-bin", "./missing"];
    const refusal = await verbs.refused(missing);
    expect(refusal).toMatchObject({ exit: 6, code: "spawn_failed", hint: expect.stringContaining("installed") });
    expect(await verbs.show(id)).toMatchObject({ state: "queued", attempt: 0 });
    await verbs.claim(id);
    expect(await verbs.refused(missing.slice(0, 5))).toMatchObject({ exit: 4, code: "invalid_state" });
  });
});
