/** `waybill tasks dispatch`: one task, one worker's process, and what is recorded of them, whoever dies on the way. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { gateIn } from "../crash/gate.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { type Dispatches, dispatchesOf, expectStored, takeOverAndStay } from "./dispatches.js";
import { type Verbs, verbsOf } from "./verbs.js";

let box: Sandbox;
let verbs: Verbs;
let dispatches: Dispatches;
beforeEach(() => {
  box = createSandbox();
  verbs = verbsOf(box);
  dispatches = dispatchesOf(box);
});
afterEach(() => box.dispose());

const handOff = "--worker-claim-handoff";
const submit = (...args: string[]) => verbs.submit("review", ...args);
const textOf = (name: string) => readFileSync(box.path(name), "utf8");
const runs = (id: string) =>
  until(
    "the task is executed",
    () => rowsOf(box.home, "SELECT 1 FROM tasks WHERE id = ? AND state = 'running'", id).length > 0,
  );
const leaseUntil = () =>
  Number(
    rowsOf(
      box.home,
      "SELECT max(expires_at) AS at FROM leases WHERE name LIKE 'worker/%' AND holder_pid IS NOT NULL",
    )[0]?.at,
  );

describe("a worker that was written for the older dispatcher", () => {
  it("runs as it is: with its arguments, in its directory, its last line the result", async () => {
    const id = await submit();
    const worker = dispatches.worker(
      `printf '%s\\n' "$@" "$PWD" >args; cat >task; echo; echo 'dispatch-result|success|done'; echo`,
    );
    const answer = await dispatches.answer(id, ["--worker-bin", worker, "--agent", "ann", "--worker-summary", "a | b"]);

    expect(answer).toMatchObject({ outcome: "recorded", source: "line", worker_agent_id: `ann/${id}`, doubt: null });
    expect(answer).toMatchObject({ task: { state: "completed" }, result: { v: 2, kind: "success", summary: "done" } });
    expect(textOf("args").split("\n")).toEqual([
      ...["tasks", "dispatch", "worker", `--task-id=${id}`, `--task-thread=${id}`, `--worker-agent-id=ann/${id}`],
      ...["--result=success", "--summary=a | b", box.dir, ""],
    ]);
    expect(JSON.parse(textOf("task"))).toMatchObject({ id, type: "review", attempt: 1 });
    expect((await dispatches.show(id)).log.map(({ line }) => line)).toContain("dispatch-result|success|done");
    await dispatches.nothingLeft();
  });

  it("says in doubt when its line may have been torn", async () => {
    const worker = dispatches.worker("echo 'dispatch-result|success|ran a | b'");
    const { doubt, result } = await dispatches.answer(await submit(), ["--worker-bin", worker]);

    expect(result).toMatchObject({ summary: "ran a ", branch: " b" });
    expect(doubt).toContain('the summary may have held a "|"');
  });
});

describe("the result of a dispatch", () => {
  it("is that of the file before the last line, and that of the line before the exit", async () => {
    const inFile = dispatches.worker(
      `echo '{"v":2,"kind":"fork","summary":"two ways","branch":"x"}' >"$WAYBILL_RESULT_FILE"; echo 'dispatch-result|fail|no'`,
    );
    const onLine = dispatches.worker("echo 'dispatch-result|fail|no'; exit 0");
    const byExit = dispatches.worker("echo working; exit 3");
    const [fork, fail, exit] = await Promise.all(
      [inFile, onLine, byExit].map(async (worker) => await dispatches.answer(await submit(), ["--worker-bin", worker])),
    );

    expect(fork).toMatchObject({ source: "file", error_code: null, task: { gate: "review" }, result: { branch: "x" } });
    expect(fail).toMatchObject({
      source: "line",
      error_code: "task_failed",
      task: { state: "scheduled", failures: 1 },
    });
    expect(exit).toMatchObject({
      source: "exit",
      error_code: "nonzero_exit",
      task: { state: "scheduled", failures: 1 },
    });
  });

  it("counts a crash and no failure when something killed the worker", async () => {
    const worker = dispatches.worker("kill -KILL $$");
    const answer = await dispatches.answer(await submit(), ["--worker-bin", worker]);

    expect(answer).toMatchObject({ error_code: "lost", task: { state: "queued", failures: 0, crashes: 1 } });
    expect(answer.result).toMatchObject({ kind: "fail", substrate: { fault: "killed" } });
  });

  it("is a failure where the worker says something that is no result", async () => {
    const worker = dispatches.worker("echo 'dispatch-result|great|x'");
    const answer = await dispatches.answer(await submit("--max-attempts", "1"), ["--worker-bin", worker]);

    expect(answer).toMatchObject({ error_code: "invalid_result", task: { state: "failed" }, result: null });
  });

  it("is what the worker has recorded by itself, whatever it prints", async () => {
    const id = await submit();
    const worker = dispatches.worker(
      `waybill tasks result "$WAYBILL_TASK_ID" --kind success --summary 'by itself' >&2; echo 'dispatch-result|fail|no'`,
    );
    const answer = await dispatches.answer(id, ["--worker-bin", worker]);

    expect(answer).toMatchObject({ source: "store", error_code: null, result: { summary: "by itself" } });
    await expectStored(box, id, { summary: "by itself" });
  });

  it("is printed by a parent that comes later, which starts nobody", async () => {
    const id = await submit();
    const worker = dispatches.worker("echo once >>begun; echo 'dispatch-result|success|first'");
    await dispatches.run(id, ["--worker-bin", worker]);
    const late = await dispatches.run(id, ["--worker-bin", worker]);

    expect(late).toMatchObject({ code: 0, stdout: expect.stringContaining("had ended before") });
    expect(late.stdout).toContain('"summary":"first"');
    expect(textOf("begun")).toBe("once\n");
  });

  it.each([
    ["success", 0],
    ["fork", 0],
    ["needs_input", 0],
    ["fail", 1],
    ["cancelled", 130],
  ])("%s leaves with %i, with the claim handed over or not", async (kind, code) => {
    const args = ["--worker-result", kind, "--worker-summary", "several\nlines | and more"];
    for (const way of [[], [handOff]]) {
      const id = await submit("--max-attempts", "1");
      expect(await dispatches.run(id, [...args, ...way])).toMatchObject({ code });
      const { attempts } = await dispatches.show(id);
      expect(attempts.at(-1)?.result).toMatchObject({ kind, summary: "several\nlines | and more" });
      expect(attempts).toHaveLength(way.length + 1);
    }
  });
});

describe("a dispatch", () => {
  it("keeps its claim while the worker runs, for longer than a lease", async () => {
    const id = await submit();
    const gate = gateIn(box);
    const parent = dispatches.start(id, ["--lease", "1s", "--worker-bin", dispatches.worker(gate.wait)]);
    await runs(id);
    const first = leaseUntil();
    await until("four leases have passed", () => leaseUntil() > first + 4_000);
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

  it.each([[[]], [[handOff]]])("tells its worker that somebody asked for the end, %j", async (way) => {
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

  it("claims nothing when its worker cannot be started, or somebody else executes the task", async () => {
    const id = await submit();
    const missing = ["tasks", "dispatch", "parent", "--task-id", id, "--worker-bin", "./missing"];
    expect(await verbs.refused(missing)).toMatchObject({ exit: 6, code: "spawn_failed" });
    expect(await verbs.show(id)).toMatchObject({ state: "queued", attempt: 0 });
    await verbs.claim(id);
    expect(await verbs.refused(missing.slice(0, 5))).toMatchObject({ exit: 4, code: "invalid_state" });
  });
});

describe("a claim that is handed over", () => {
  it("is the worker's under a fence of its own, and ends with its result", async () => {
    const id = await submit();
    const answer = await dispatches.answer(id, [handOff, "--agent", "ann"]);
    const { attempts, notes } = await dispatches.show(id);

    expect(answer).toMatchObject({ source: "store", task: { state: "completed", attempt: 2 } });
    expect(attempts.map(({ state, returned, worker }) => [state, returned, worker?.agent_id])).toEqual([
      ["cancelled", "handed_off", "ann"],
      ["succeeded", null, `ann/${id}`],
    ]);
    expect(notes).toMatchObject([{ kind: "notice", text: `Worker started: ann/${id}` }]);
  });

  it("comes back to the parent when its worker ends without a word, and by no other way", async () => {
    const id = await submit();
    const worker = dispatches.worker(`${takeOverAndStay()}\nexit 5`);
    const answer = await dispatches.answer(id, [handOff, "--agent", "ann", "--worker-bin", worker]);
    const { attempts } = await dispatches.show(id);

    expect(answer).toMatchObject({
      source: "exit",
      error_code: "nonzero_exit",
      task: { state: "scheduled", failures: 1 },
    });
    expect(attempts.map(({ state, returned, worker: by }) => [state, returned, by?.agent_id])).toEqual([
      ["cancelled", "handed_off", "ann"],
      ["cancelled", "handed_off", `ann/${id}`],
      ["failed", null, "ann"],
    ]);
  });

  it("is kept by the parent for as long as the worker runs, although the worker says nothing", async () => {
    const id = await submit();
    const gate = gateIn(box);
    const worker = dispatches.worker(
      `${takeOverAndStay("--handoff-ttl=1s")}\n${gate.wait}\necho 'dispatch-result|success|late'`,
    );
    const parent = dispatches.start(id, [handOff, "--lease", "1s", "--agent", "ann", "--worker-bin", worker]);
    await until("the worker has it", async () => (await verbs.show(id)).attempt === 2);
    const first = leaseUntil();
    await until("three leases have passed", () => leaseUntil() > first + 3_000);
    gate.open();

    expect(await parent.ended).toMatchObject({ code: 0 });
    expect(await dispatches.show(id)).toMatchObject({ state: "completed", attempt: 3, result: { summary: "late" } });
  });
});

describe("`tasks dispatch worker` by itself", () => {
  const worker = (id: string, ...args: string[]) => [
    ...["tasks", "dispatch", "worker", "--task-id", id, "--task-thread", id, "--worker-agent-id", "bob"],
    ...args,
  ];

  it("prints the result as its last line, and records nothing without a claim", async () => {
    const id = await submit();
    const args = worker(id, "--result", "fork", "--summary", "two ways", "--branch", "x", "--rev", "7");
    const { stdout } = await box.cli(args);

    expect(stdout).toBe("dispatch-result|fork|two ways|x|7\n");
    expect(await verbs.show(id)).toMatchObject({ state: "queued", attempt: 0 });
  });

  it("takes the claim over from the agent that has it, and from no other", async () => {
    const id = await submit();
    const queued = await verbs.refused(worker(id, "--claim-from-agent-id", "ann"));
    expect(queued).toMatchObject({ code: "invalid_state", message: expect.stringContaining("is queued") });
    await verbs.claim(id, "--agent", "ann");
    const other = await verbs.refused(worker(id, "--claim-from-agent-id", "eve"));
    expect(other).toMatchObject({ code: "invalid_state", message: expect.stringContaining("is executed by ann") });
    const taken = await box.json<OutputOf<"tasks.dispatch.worker">>(worker(id, "--claim-from-agent-id", "ann"));

    expect(taken).toMatchObject({ outcome: "recorded", task: { state: "completed", attempt: 2 } });
    expect((await dispatches.show(id)).attempts.at(-1)).toMatchObject({
      fence: taken.fence,
      worker: { agent_id: "bob" },
    });
  });

  it("presents the fence that it was given", async () => {
    const id = await submit();
    await verbs.claim(id, "--agent", "ann");
    const late = await verbs.refused(worker(id, "--claim-from-agent-id", "ann", "--fence", "999"));

    expect(late).toMatchObject({ exit: 4, code: "stale_write" });
    expect(await verbs.show(id)).toMatchObject({ state: "running", attempt: 1 });
  });

  it("knows the thread of a task by its id alone", async () => {
    const id = await submit();
    const refused = await verbs.refused([
      "tasks",
      "dispatch",
      "worker",
      "--task-id",
      id,
      "--task-thread",
      "t",
      "--worker-agent-id",
      "b",
    ]);

    expect(refused).toMatchObject({ code: "invalid_input", message: expect.stringContaining("--task-thread") });
  });
});
