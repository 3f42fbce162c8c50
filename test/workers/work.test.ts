/** What `waybill work` makes of what its commands say and do: the built command line, real programs. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { openYard } from "./worker-yard.js";

const yard = perTest(openYard);

/** Works on one task with `script` and answers with the exit code and the task. */
async function workOnce(script: string, flags: readonly string[] = [], params: unknown = {}) {
  const id = await yard.submit(params);
  const { code, stderr, stdout } = await yard.worker(script, ["--once", ...flags]).ended;
  const task = await yard.store.tasks.getTask(id);
  const [attempt] = await yard.client.tasks.attempts(id);
  return { id, code, stderr, stdout, task, attempt };
}

describe("a type that is built in", () => {
  it("is refused, since its tasks say themselves what is to be done", async () => {
    const { code, stderr } = await yard.box.cli(["work", "--types", "t,command", "--drain", "--", "true"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('"command" is built in')]);
  });
});

describe("a command's answer", () => {
  it("by its exit code completes the task, or fails the attempt", async () => {
    const good = await workOnce("exit 0");
    expect(good).toMatchObject({ code: 0, task: { state: "completed", result: { v: 2, kind: "success" } } });
    expect(good.attempt?.result).toEqual({ v: 2, kind: "success", summary: "" });
    const bad = await workOnce("exit 3", ["--max-attempts", "1"]);
    expect(bad).toMatchObject({ code: 1, task: { state: "failed", failure: { code: "nonzero_exit" } } });
  });

  it("by its result file goes before its last line, and that before its exit code", async () => {
    const file = 'echo \'{"v":2,"kind":"success","summary":"by file","branch":"b"}\' >"$WAYBILL_RESULT_FILE"';
    const line = "echo 'dispatch-result|fail|by line'";
    expect((await workOnce(`${file}; ${line}; exit 1`)).task).toMatchObject({
      state: "completed",
      result: { summary: "by file", branch: "b" },
    });
    const failed = await workOnce(`${line}; exit 0`, ["--max-attempts", "1"]);
    expect(failed.task).toMatchObject({ state: "failed", failure: { code: "task_failed", message: "by line" } });
    expect((await workOnce(`echo '{"v":2,"kind":"success","summary":"a|b"}'; exit 1`)).task).toMatchObject({
      state: "completed",
      result: { summary: "a|b" },
    });
  });

  it("that fails is followed by another attempt by the policy, which begins when its time has come", async () => {
    const id = await yard.submit();
    const script = `[ "$WAYBILL_ATTEMPT" = 2 ] || { echo 'dispatch-result|fail|not yet'; exit 1; }`;
    yard.worker(script);
    await yard.inState(id, "completed");
    expect(await yard.client.tasks.attempts(id)).toMatchObject([
      { state: "failed", failure: { message: "not yet" }, result: { kind: "fail" } },
      { state: "succeeded" },
    ]);
  });

  it("that is a fork waits for a review, which completes it", async () => {
    const { id, code, task, stdout } = await workOnce("echo 'dispatch-result|fork|two ways|agent/x|abc1'");
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("1 attempt, 0 succeeded, 0 failed, 1 waiting for a person"),
    ]);
    expect(task).toMatchObject({ state: "queued", gate: "review", question: "two ways", failures: 0 });
    await yard.store.notes.answer({ taskId: id, by: "ann", text: "good", accept: true });
    expect(await yard.store.tasks.getTask(id)).toMatchObject({ state: "completed", result: { branch: "agent/x" } });
  });

  it("that is a question waits for a person, whose answer the next attempt finds in its task", async () => {
    const id = await yard.submit();
    const script = `case $(cat) in
      *"the blue one"*) echo 'dispatch-result|success|took it' ;;
      *) echo '{"v":2,"kind":"needs_input","summary":"which one?"}' ;;
    esac`;
    yard.worker(script);
    await until("it asks", async () => (await yard.store.tasks.getTask(id))?.gate === "answer");
    await yard.store.notes.answer({ taskId: id, by: "ann", text: "the blue one", accept: false });
    await yard.inState(id, "completed");
    expect(await yard.client.tasks.attempts(id)).toMatchObject([
      { state: "cancelled", returned: "needs_input" },
      { state: "succeeded" },
    ]);
  });

  it("that is a cancel ends the task, with no further attempt", async () => {
    const { code, task, stdout } = await workOnce(`echo '{"v":2,"kind":"cancelled","summary":"pointless"}'`);
    expect(stdout).toContain("1 attempt, 0 succeeded, 0 failed, 1 cancelled");
    expect(task).toMatchObject({ state: "cancelled", failure: { code: "cancelled", message: "pointless" } });
    expect(code).toBe(130);
  });

  it("that cannot be read fails the task, and says what is wrong", async () => {
    const { task } = await workOnce('echo \'{"v":2\' >"$WAYBILL_RESULT_FILE"');
    expect(task).toMatchObject({ state: "failed", failure: { code: "invalid_result" } });
  });

  it("that it recorded by itself under its fence stands, and nothing is refused", async () => {
    const { code, task, stdout, stderr } = await workOnce(
      `"$NODE" "$CLI" tasks result "$WAYBILL_TASK_ID" --kind success --summary "by itself" >/dev/null
       echo 'dispatch-result|fail|by line'; exit 1`,
    );
    expect(task).toMatchObject({ state: "completed", result: { summary: "by itself" } });
    expect((await yard.store.info()).staleWritesRefused).toBe(0);
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 attempt, 1 succeeded, 0 failed")]);
    expect(stderr).toMatch(/work\.ended .*code=1 .*recorded="succeeded" said="success" summary="by itself"/);
    expect(stderr).not.toContain("by line");
  });

  it("that is a fork which it recorded by itself is logged and counted as one", async () => {
    const { stdout, stderr } = await workOnce(
      '"$NODE" "$CLI" tasks result "$WAYBILL_TASK_ID" --kind fork --summary "two ways" >/dev/null',
    );
    expect(stdout).toContain("1 attempt, 0 succeeded, 0 failed, 1 waiting for a person");
    expect(stderr).toMatch(/work\.ended .*code=0 .*recorded="review" said="fork" summary="two ways"/);
  });

  it.each([
    ["a failure", "--kind fail --summary no", "failed", "1 failed"],
    ["a fault of the infrastructure", "--kind fail --fault disk", "lost", "1 failed"],
    ["a cancel", "--kind cancelled --summary pointless", "cancelled", "0 failed, 1 cancelled"],
  ])("that is %s which it recorded by itself is counted as one", async (_what, flags, state, counted) => {
    const { stdout, stderr } = await workOnce(`"$NODE" "$CLI" tasks result "$WAYBILL_TASK_ID" ${flags} >/dev/null`, [
      "--max-attempts",
      "1",
    ]);
    expect(stdout).toContain(`1 attempt, 0 succeeded, ${counted}`);
    expect(stderr).toContain(`recorded="${state}"`);
  });

  it("of a task that was removed meanwhile is nobody's, and the log says so", async () => {
    const id = await yard.submit();
    const worker = yard.worker("sleep 1000", ["--once"]);
    await yard.inState(id, "running");
    await yard.box.cli(["tasks", "rm", "--force", id]);
    const { stdout } = await worker.ended;
    expect(worker.stderr()).toContain('said=null why="its task was removed"');
    expect(stdout).toContain("1 attempt, 0 succeeded, 0 failed");
  });

  it("that never came is logged with the reason for which it was told to end", async () => {
    const { stderr } = await workOnce("exec sleep 60", ["--timeout", "50ms", "--max-attempts", "1"]);
    expect(stderr).toContain('said=null why="timeout: The attempt has passed its time limit."');
  });

  it("is that of the infrastructure when somebody kills it: no failure is counted, and the third time it is left alone", async () => {
    const id = await yard.submit();
    const worker = yard.worker("kill -KILL $$");
    const task = await yard.inState(id, "failed");
    expect(task).toMatchObject({ failures: 0, crashes: 3, failure: { code: "quarantined" } });
    expect(await yard.client.tasks.attempts(id)).toMatchObject(
      Array.from({ length: 3 }, () => ({ state: "lost", result: { substrate: { fault: "killed" } } })),
    );
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
  });
});

describe("what a command is given", () => {
  it("is its task as JSON on stdin and in a file, whatever is in the params", async () => {
    const params = { text: "line\nline \u0000 🙂 \\ \" ' | $(id)", list: [1.5, null, true] };
    const { id, task } = await workOnce('cat >stdin; cp "$WAYBILL_TASK_FILE" file', [], params);
    expect(task?.state).toBe("completed");
    const brief = readFileSync(yard.box.path("stdin"), "utf8");
    expect(readFileSync(yard.box.path("file"), "utf8")).toBe(brief);
    expect(JSON.parse(brief)).toMatchObject({ id, type: "t", params, attempt: 1, run: 1, notes: [] });
    expect(brief.split("\n")).toHaveLength(2);
  });

  it("is told which paths it holds", async () => {
    const id = await yard.submit({}, { paths: [{ mode: "write", pattern: "src/" }] });
    await yard.worker("cat >stdin", ["--once"]).ended;
    const paths = [{ mode: "write", space: "", pattern: "src/**" }];
    expect(JSON.parse(readFileSync(yard.box.path("stdin"), "utf8"))).toMatchObject({ id, paths });
  });

  it("is who it is in the environment, and no token", async () => {
    const id = await yard.submit();
    const env = { WAYBILL_TOKEN: "not-for-commands-0123456789", WAYBILL_RUN_ID: "outer", OTHER: "kept" };
    const flags = ["--once", "--agent", "ann\n/x", "--session", "s 1"];
    await yard.worker("env -0 >environment", flags, { env }).ended;
    const [attempt] = await yard.client.tasks.attempts(id);
    const found = Object.fromEntries(
      readFileSync(yard.box.path("environment"), "utf8")
        .split("\0")
        .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
    expect(found).toMatchObject({
      WAYBILL_TASK_ID: id,
      WAYBILL_SCOPE: id,
      WAYBILL_ATTEMPT: "1",
      WAYBILL_FENCE: String(attempt?.fence),
      WAYBILL_AGENT_ID: "ann\n/x",
      WAYBILL_SESSION: "s 1",
      WAYBILL_STORE: `file:${yard.box.home}/waybill.db`,
      OTHER: "kept",
    });
    expect(Object.keys(found)).not.toContain("WAYBILL_TOKEN");
    expect(Object.keys(found)).not.toContain("WAYBILL_RUN_ID");
  });

  it("goes with it: nothing of an attempt's files is left", async () => {
    await workOnce('pwd >"$WAYBILL_RESULT_FILE.draft"; exit 0');
    expect(readdirSync(`${yard.box.home}/workers`)).toEqual([]);
  });
});

describe("what a command writes", () => {
  it("is in the log of its task by lines, up to the limit, with what was not kept", async () => {
    const { id } = await workOnce("echo one; echo two >&2; printf three", ["--log-limit", "1KiB"]);
    expect([...(await yard.log(id))].sort()).toEqual(["one", "three", "two"]);
    const much = await workOnce("head -c 3000 /dev/zero | tr '\\0' x | fold -w 99", ["--log-limit", "1KiB"]);
    const lines = await yard.log(much.id);
    expect(lines.slice(0, -1)).toEqual(Array.from({ length: 10 }, () => "x".repeat(99)));
    expect(lines.at(-1)).toMatch(/more lines, .*, were not kept; the limit is 1.0 KiB/);
  });

  it("may be nothing, or 100 MB without a line end", async () => {
    const silent = await workOnce("exec >&- 2>&-");
    expect([silent.task?.state, await yard.log(silent.id)]).toEqual(["completed", []]);
    const loud = await workOnce("head -c 104857600 /dev/zero | tr '\\0' x; echo; echo 'dispatch-result|success|loud'");
    expect(loud.task).toMatchObject({ state: "completed", result: { summary: "loud" } });
    const [line, ...rest] = await yard.log(loud.id);
    expect(line).toMatch(/^x{65508}|^x{65536}/);
    expect(rest.at(-1)).toBe("dispatch-result|success|loud");
  });
});

describe("a worker", () => {
  it("takes only what carries all of its tags", async () => {
    const other = await yard.submit({}, { tags: ["gpu"] });
    const own = await yard.submit({}, { tags: ["gpu", "big", "red"] });
    await yard.worker("exit 0", ["--drain", "--tags", "gpu,big"]).ended;
    expect((await yard.store.tasks.getTask(own))?.state).toBe("completed");
    expect((await yard.store.tasks.getTask(other))?.state).toBe("queued");
  });

  it("takes one task with --once, and says so when there is none", async () => {
    const ids = [await yard.submit(), await yard.submit()];
    const { code, stderr } = await yard.worker("exit 0", ["--once"]).ended;
    expect([code, stderr.match(/work\.\w+/g)]).toEqual([
      0,
      ["work.starting", "work.began", "work.ended", "work.stopping"],
    ]);
    const states = await Promise.all(ids.map(async (id) => (await yard.store.tasks.getTask(id))?.state));
    expect(states).toEqual(["completed", "queued"]);
    await yard.worker("exit 0", ["--once"]).ended;
    const none = await yard.worker("exit 0", ["--once"]).ended;
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining("nothing_to_claim")]);
  });

  it("leaves with --drain when all is done, several at once", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => yard.submit()));
    const { code, stdout, stderr } = await yard.worker("sleep 0.1", ["--drain", "--concurrency", "5", "--json"]).ended;
    expect([code, JSON.parse(stdout).data]).toMatchObject([0, { started: 20, succeeded: 20, failed: 0 }]);
    for (const id of ids) expect((await yard.store.tasks.getTask(id))?.state).toBe("completed");
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string });
    expect(lines.filter(({ event }) => event === "work.began")).toHaveLength(20);
    expect(lines.filter(({ event }) => event === "work.ended")).toHaveLength(20);
  });

  it("says with --drain how many tasks are left since others have their paths", async () => {
    for (const _ of [1, 2]) await yard.box.cli(["tasks", "submit", "t", "--write", "src/"]);
    await yard.box.cli(["tasks", "claim", "--type", "t"]);
    const { code, stdout } = await yard.worker("exit 0", ["--drain"]).ended;
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("0 attempts, 0 succeeded, 0 failed; 1 task still waits for paths"),
    ]);
  });

  it("is refused without a program, a directory or a type, before it has cost a task an attempt", async () => {
    const id = await yard.submit();
    const missing = await yard.box.cli(["work", "--types", "t", "--", "no-such-program"]);
    expect([missing.code, missing.stderr]).toEqual([6, expect.stringContaining("spawn_failed")]);
    const nowhere = await yard.box.cli(["work", "--types", "t", "--cwd", "nowhere", "--", "true"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining("nowhere")]);
    const typeless = await yard.box.cli(["work", "--types", ",", "--drain", "--", "true"]);
    expect([typeless.code, typeless.stderr]).toEqual([2, expect.stringContaining("--types")]);
    expect((await yard.store.tasks.getTask(id))?.attempt).toBe(0);
  });

  it("sets no limits of the queue that others have set", async () => {
    await yard.store.queues.setQueueLimits([
      { type: "t", concurrency: 1, keyConcurrency: 2, rate: null, keyRate: null },
    ]);
    await workOnce("exit 0");
    expect(await yard.store.queues.listQueues()).toMatchObject([{ type: "t", concurrency: 1, keyConcurrency: 2 }]);
  });

  it("is listed while it works, with what it does", async () => {
    const id = await yard.submit();
    const worker = yard.worker("echo here; sleep 1000", ["--agent", "ann"]);
    await worker.says(/work\.starting types="t" concurrency=1/);
    await yard.inState(id, "running");
    const [view] = (await yard.store.workers.listWorkers()).filter(({ kind }) => kind === "work");
    expect(view).toMatchObject({ agentId: "ann", types: ["t"], workspace: yard.box.dir, tasks: [{ id, attempt: 1 }] });
    expect([view?.pid, view?.lease.holder.pid === worker.pid]).toEqual([worker.pid, false]);
    const why = await yard.box.json<OutputOf<"system.why">>(["why", id]);
    expect(why.reasons[0]?.holders).toEqual([expect.stringContaining(`ann (work, pid ${worker.pid} on `)]);
    const { workers } = await yard.box.json<OutputOf<"workers.list">>(["workers", "list"]);
    expect(workers.filter(({ kind }) => kind === "work").map(({ pid }) => pid)).toEqual([worker.pid]);
    const { engines } = await yard.box.json<OutputOf<"tasks.stats">>(["tasks", "stats"]);
    expect(engines.map(({ pid }) => pid)).toEqual([worker.pid]);
    worker.kill("SIGINT");
    await worker.says(/work\.stopping running=1 hint="what runs is waited for; a second signal ends it"/);
    worker.kill("SIGINT");
    await worker.ended;
    expect(worker.stderr()).toContain('said=null why="terminated: The engine stops."');
    expect(await yard.store.workers.listWorkers()).toEqual([]);
  });
});
