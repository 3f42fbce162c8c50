import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { onTerminal, whyNoTerminal } from "../harness/terminal.js";
import { until } from "../harness/until.js";
import { serveTasks, startTaskEngine } from "./task-engine.js";

const noTerminal = whyNoTerminal();

type Submitted = OutputOf<"tasks.submit">;
type Detail = OutputOf<"tasks.show">;
type Stats = OutputOf<"tasks.stats">;

const MODULE = `export default [
  defineTask({ type: "double", params: anything, run: (n, ctx) => { ctx.log("doubling " + n); return n * 2; } }),
  defineTask({ type: "broken", params: anything, retry: { maxAttempts: 2, backoff: { kind: "fixed", delayMs: 1 } },
    run: () => { throw new TypeError("no such thing"); } }),
  defineTask({ type: "hopeless", params: anything, run: () => { throw new TerminalError("never"); } }),
  defineTask({ type: "held", params: anything, run: (_p, ctx) => new Promise((_resolve, reject) =>
    ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))) }),
  defineTask({ type: "steps", params: anything, run: async (_p, ctx) => {
    await ctx.step("fetch", () => 1);
    await ctx.progress({ done: 1, of: 2 });
    await ctx.step("store", () => 2);
    ctx.log("stored");
    return "done"; } }),
];`;

const box = perTest(createSandbox);
const writeTasks = () => box.tasks("tasks.mjs", MODULE);
const submit = async (...args: string[]) => await box.json<Submitted>(["tasks", "submit", ...args]);
const show = async (id: string) => await box.json<Detail>(["tasks", "show", id]);
const stateOf = async (id: string) => (await show(id)).state;
const errorOf = ({ stderr }: { stderr: string }) =>
  (JSON.parse(stderr) as { error: { code: string; message: string; hint: string } }).error;

describe("`tasks submit`", () => {
  it("waits for the result, and prints it", async () => {
    await startTaskEngine(box, writeTasks());
    const { code, stdout, stderr } = await box.cli(["tasks", "submit", "double", "--params", "21", "--wait"]);

    expect([code, stdout]).toEqual([0, "42\n"]);
    expect(stderr).toContain("completed");
  });

  it("leaves with the failure of what it waited for", async () => {
    await startTaskEngine(box, writeTasks());
    const { code, stderr } = await box.cli(["tasks", "submit", "broken", "--wait"]);

    expect(code).toBe(1);
    expect(stderr).toContain("task_failed: no such thing");
  });

  it("takes params from a file and from standard input, and refuses what is no JSON", async () => {
    writeFileSync(box.path("params.json"), '{"from":"file"}');
    const file = await submit("mail", "--params", "@params.json");
    const input = await box.json<Submitted>(["tasks", "submit", "mail", "--params", "-"], { input: '{"from":"pipe"}' });
    const none = await submit("mail");
    const refused = await box.cli(["tasks", "submit", "mail", "--params", "{to:1}", "--json"]);

    expect((await show(file.task.id)).params).toEqual({ from: "file" });
    expect((await show(input.task.id)).params).toEqual({ from: "pipe" });
    expect((await show(none.task.id)).params).toEqual({});
    expect([refused.code, errorOf(refused).code]).toEqual([2, "invalid_input"]);
    expect(errorOf(refused).message).toContain("--params is no JSON");
  });

  it("answers an id that is known with its task, in any spelling, and refuses other params and what is no id", async () => {
    const id = "0C7F5F6E-2D8B-4F52-9C52-0D5B4C1F2A3B";
    const first = await submit("mail", "--id", id, "--params", "1");
    const second = await submit("mail", "--id", id.toLowerCase(), "--params", "1");
    const other = await box.cli(["tasks", "submit", "mail", "--id", id, "--params", "2", "--json"]);
    const bad = await box.cli(["tasks", "submit", "mail", "--id", "7", "--json"]);

    expect([first.outcome, second.outcome, second.task.id]).toEqual(["created", "existing", id.toLowerCase()]);
    expect([other.code, errorOf(other).code]).toEqual([4, "task_conflict"]);
    expect([bad.code, errorOf(bad).code]).toEqual([2, "invalid_task_id"]);
  });

  it("answers with the task that holds the unique key, for as long as its scope says", async () => {
    const first = await submit("mail", "--unique-key", "ann");
    const second = await submit("mail", "--unique-key", "ann");
    await box.cli(["tasks", "cancel", first.task.id]);
    const third = await submit("mail", "--unique-key", "ann");
    const fourth = await submit("mail", "--unique-key", "ann", "--unique-scope", "1h");

    expect([second.outcome, second.task.id]).toEqual(["duplicate", first.task.id]);
    expect([third.outcome, fourth.outcome]).toEqual(["created", "duplicate"]);
  });

  it("records what is said about time, order, key, limits and tags", async () => {
    const at = "2100-01-01T00:00:00.000Z";
    const { task } = await submit(
      ...["mail", "--at", at, "--priority", "7", "--concurrency-key", "ann", "--max-attempts", "5"],
      ...["--timeout", "30s", "--deadline", "2h", "--tag", "blue", "--tag", "red"],
    );

    expect(task).toMatchObject({
      ...{ state: "scheduled", run_at: at, priority: 7, concurrency_key: "ann", max_attempts: 5, timeout_ms: 30_000 },
      tags: ["blue", "red"],
      created_by: expect.any(String),
    });
    expect(Date.parse(task.deadline_at ?? "") - Date.parse(task.submitted_at)).toBe(7_200_000);
  });

  it("checks type and params by a module that is named, and names the nearest type", async () => {
    const module = writeTasks();
    const bad = await box.cli(["tasks", "submit", "dubble", "--tasks", module, "--json"]);
    const good = await submit("double", "--tasks", module, "--params", "1");

    expect([bad.code, errorOf(bad).code]).toEqual([2, "unknown_task_type"]);
    expect(errorOf(bad).hint).toBe('Did you mean "double"?');
    expect(good.outcome).toBe("created");
  });

  it("says that no engine knows the type, waits as long as it may, and lets the task wait on", async () => {
    const { code, stderr } = await box.cli(["tasks", "submit", "mail", "--wait", "--wait-timeout", "50ms"]);

    expect(code).toBe(124);
    expect(stderr).toContain('no engine or worker that takes the type "mail" runs now');
  });

  it("waits for other tasks, and is cancelled when they cannot end as it wants", async () => {
    const first = await submit("mail");
    const second = await submit("mail", "--depends-on", first.task.id.slice(0, 20));
    const third = await submit("mail", "--depends-on", `${first.task.id}:ended`);
    const detail = await show(second.task.id);
    await box.cli(["tasks", "cancel", first.task.id]);

    expect(detail).toMatchObject({
      gate: "dependencies",
      dependencies: [{ id: first.task.id, outcome: "completed", type: "mail", state: "queued" }],
    });
    expect(await show(second.task.id)).toMatchObject({ state: "cancelled", failure: { code: "dependency_unmet" } });
    expect(await show(third.task.id)).toMatchObject({ state: "queued", gate: "open" });
  });
});

describe("`tasks list`, `show` and `logs`", () => {
  it("lists by state, type and tag, newest first, and goes on by page", async () => {
    const ids = [];
    for (const n of [1, 2, 3]) ids.push((await submit("mail", "--params", String(n))).task.id);
    await submit("post", "--tag", "blue");
    await box.cli(["tasks", "cancel", ids[1] ?? ""]);
    const list = async (...args: string[]) => await box.json<OutputOf<"tasks.list">>(["tasks", "list", ...args]);
    const page = await list("--type", "mail", "--limit", "2");
    const rest = await list("--type", "mail", "--limit", "2", "--before", page.next ?? "");

    expect(page.tasks.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(rest).toMatchObject({ tasks: [{ id: ids[0] }], next: null });
    expect((await list("--state", "cancelled")).tasks.map(({ id }) => id)).toEqual([ids[1]]);
    expect((await list("--tag", "blue")).tasks.map(({ type }) => type)).toEqual(["post"]);
    expect((await box.cli(["tasks", "list"])).stdout).toMatch(/post +· queued +an engine or worker/);
  });

  it("says of what waits in a paused type that it is paused", async () => {
    const { task } = await submit("mail");
    await submit("post");
    await box.cli(["tasks", "pause", "mail"]);
    const { stdout } = await box.cli(["tasks", "list"]);

    expect(stdout).toMatch(/mail +· queued +paused/);
    expect(stdout).toMatch(/post +· queued +an engine or worker/);
    expect((await box.cli(["tasks", "show", task.id])).stdout).toMatch(/^waits for +paused$/m);
  });

  it("says how long a task took from its first begin, over all attempts of its run", async () => {
    const path = box.tasks(
      "pauses.mjs",
      'export default [defineTask({ type: "pauses", params: anything, run: (_, ctx) => ctx.sleep("rest", 1_100) })];',
    );
    await startTaskEngine(box, path);
    const waited = await box.cli(["tasks", "submit", "pauses", "--wait"]);
    const { tasks } = await box.json<OutputOf<"tasks.list">>(["tasks", "list"]);
    const { stdout } = await box.cli(["tasks", "show", tasks[0]?.id ?? ""]);

    expect(waited.stderr).toMatch(/✔ completed in [\d.]+ s \(2 attempts\) · task/);
    expect(stdout).toMatch(/^duration +[\d.]+ s \(2 attempts\)$/m);
  });

  it("shows attempts and steps over time, progress, result and the end of the log", async () => {
    await startTaskEngine(box, writeTasks());
    const { task } = await submit("steps", "--wait");
    const detail = await show(task.id);
    const { stdout } = await box.cli(["tasks", "show", task.id]);

    expect(detail).toMatchObject({
      ...{ state: "completed", result: "done", progress: { done: 1, of: 2 } },
      attempts: [{ attempt: 1, state: "succeeded" }],
      steps: [{ name: "fetch" }, { name: "store" }],
      log: [{ line: "stored", attempt: 1 }],
    });
    expect(stdout).toMatch(/^1 +·*█+·* +✔ succeeded/m);
    expect(stdout).toMatch(/^ {2}fetch +·*█+·* +step/m);
    expect(stdout).toMatch(/stored$/m);
  });

  it("shows what each attempt died of", async () => {
    await startTaskEngine(box, writeTasks());
    const { task } = await submit("broken", "--wait");

    expect(await show(task.id)).toMatchObject({
      ...{ state: "failed", failures: 2, failure: { code: "task_failed", name: "TypeError" } },
      attempts: [{ state: "failed" }, { state: "failed", failure: { message: "no such thing" } }],
    });
  });

  it("does not try again after the module's own TerminalError, though the engine has another copy of the class", async () => {
    await serveTasks(box, ["--tasks", writeTasks()]);
    const { task } = await submit("hopeless", "--wait");

    expect(await show(task.id)).toMatchObject({ attempts: [{ failure: { name: "TerminalError" } }] });
  });

  it("prints the lines of a log, follows it to the end of the task, and starts with the last ones", async () => {
    const held = box.tasks(
      "talk.mjs",
      `import { existsSync } from "node:fs";
       export default [defineTask({ type: "talk", params: anything, run: async (file, ctx) => {
         ctx.log("one"); ctx.log("two");
         while (!existsSync(file)) await new Promise((go) => setTimeout(go, 10));
         ctx.log("three"); } })];`,
    );
    await startTaskEngine(box, held);
    const { task } = await submit("talk", "--params", JSON.stringify(box.path("go")));
    await until("it has begun to talk", async () => (await show(task.id)).log.length === 2);
    const live = box.spawnCli(["tasks", "logs", task.id, "--tail", "1", "--follow"]);
    await live.says(/two/);
    writeFileSync(box.path("go"), "");

    expect((await live.ended).stdout).toBe("two\nthree\n");
    expect((await box.cli(["tasks", "logs", task.id])).stdout).toBe("one\ntwo\nthree\n");
  });

  it("refuses an unknown id and a prefix of several", async () => {
    await submit("mail", "--id", "aaaaaaaa-0000-4000-8000-000000000001");
    await submit("mail", "--id", "aaaaaaaa-0000-4000-8000-000000000002");
    const unknown = await box.cli(["tasks", "show", "ffff", "--json"]);
    const several = await box.cli(["tasks", "show", "aaaa", "--json"]);

    expect([unknown.code, errorOf(unknown).code]).toEqual([3, "task_not_found"]);
    expect([several.code, errorOf(several).code]).toEqual([2, "ambiguous_id"]);
  });
});

describe("`tasks wait`, `cancel`, `retry` and `rm`", () => {
  it("tells the handler of a running task to stop, and waits until it has", async () => {
    await startTaskEngine(box, writeTasks());
    const { task } = await submit("held");
    await until("it runs", async () => (await stateOf(task.id)) === "running");
    const waiting = box.cli(["tasks", "wait", task.id]);
    const { tasks } = await box.json<OutputOf<"tasks.cancel">>(["tasks", "cancel", task.id]);

    expect(tasks).toMatchObject([{ id: task.id, state: "cancelled", failure: { code: "cancelled" } }]);
    expect((await waiting).code).toBe(130);
  });

  it("returns when any of several has ended, and gives up after a time", async () => {
    const [first, second] = [await submit("mail"), await submit("mail")];
    await box.cli(["tasks", "cancel", second.task.id]);
    const any = await box.cli(["tasks", "wait", "--any", first.task.id, second.task.id]);
    const all = await box.cli(["tasks", "wait", "--timeout", "50ms", first.task.id, second.task.id]);

    expect([any.code, all.code]).toEqual([130, 124]);
    expect(all.stderr).toContain(`waybill why ${first.task.id}`);
  });

  it.skipIf(noTerminal !== null)(
    `say on a terminal what is waited for${noTerminal === null ? "" : ` (skipped: ${noTerminal})`}`,
    async () => {
      const { task } = await submit("mail");
      const terminal = onTerminal(box, `tasks wait ${task.id}`);
      await terminal.says(`waiting for task ${task.id} of type mail, which is queued`);
      await terminal.says('no engine or worker that takes the type "mail" runs now');
      await box.cli(["tasks", "cancel", task.id]);
      expect(await terminal.ended).toBe(130);
      const piped = await box.cli(["tasks", "wait", task.id]);
      expect(piped.stderr).toBe("");
    },
  );

  it("queues a cancelled task again, and refuses one that waits", async () => {
    const { task } = await submit("mail");
    const refused = await box.cli(["tasks", "retry", task.id, "--json"]);
    await box.cli(["tasks", "cancel", task.id]);
    const twice = [task.id, task.id.toUpperCase()];
    const again = await box.json<OutputOf<"tasks.retry">>(["tasks", "retry", ...twice]);

    expect([refused.code, errorOf(refused).code]).toEqual([4, "invalid_state"]);
    expect(again).toMatchObject({ retried: 1, tasks: [{ state: "queued", run: 2 }] });
  });

  it("tries every failed task again, or those of a type", async () => {
    const engine = await startTaskEngine(box, writeTasks());
    await Promise.all([submit("hopeless", "--wait"), submit("hopeless", "--wait"), submit("broken", "--wait")]);
    await engine.stop();
    const retry = async (...args: string[]) =>
      (await box.json<OutputOf<"tasks.retry">>(["tasks", "retry", ...args])).retried;

    expect(await retry("--all", "--type", "hopeless")).toBe(2);
    expect(await retry("--all")).toBe(1);
    expect(await retry("--all")).toBe(0);
    expect(errorOf(await box.cli(["tasks", "retry", "--json"])).code).toBe("invalid_input");
  });

  it("forgets what has ended, and what has not only by force", async () => {
    const { task } = await submit("mail");
    const refused = await box.cli(["tasks", "rm", task.id, "--json"]);
    const { removed } = await box.json<OutputOf<"tasks.rm">>(["tasks", "rm", "--force", task.id]);

    expect([refused.code, errorOf(refused).code]).toEqual([4, "invalid_state"]);
    expect(removed).toEqual([task.id]);
    expect(errorOf(await box.cli(["tasks", "show", task.id, "--json"])).code).toBe("task_not_found");
  });
});

describe("`tasks pause`, `resume`, `stats` and `top`", () => {
  it("holds the tasks of a paused type until it is resumed", async () => {
    await startTaskEngine(box, writeTasks());
    await box.cli(["tasks", "pause", "double"]);
    const { task } = await submit("double", "--params", "1");
    const other = await submit("steps", "--wait");
    const stats = await box.json<Stats>(["tasks", "stats"]);
    await box.cli(["tasks", "resume", "double"]);

    expect(other.task.state).toBe("completed");
    expect(stats.types).toMatchObject([{ type: "double", paused: true, states: { queued: 1 } }, { type: "steps" }]);
    expect((await box.cli(["tasks", "wait", task.id])).code).toBe(0);
  });

  it("shows queues, how fast they move, and engines with what they execute", async () => {
    const engine = await startTaskEngine(box, writeTasks());
    await submit("hopeless", "--wait");
    await submit("mail");
    const { task } = await submit("held");
    await until("it runs", async () => (await stateOf(task.id)) === "running");
    const stats = await box.json<Stats>(["tasks", "top", "--once"]);
    const { stdout } = await box.cli(["tasks", "top", "--once"]);

    expect(stats.types).toMatchObject([
      { type: "held", states: { running: 1 }, engines: 1 },
      { type: "hopeless", states: { failed: 1 }, ended_per_minute: 1, failed_per_minute: 1 },
      { type: "mail", states: { queued: 1 }, engines: 0, oldest_queued_at: expect.any(String) },
    ]);
    expect(stats.engines).toMatchObject([
      { pid: engine.pid, alive: true, running: 1, tasks: [{ id: task.id, type: "held" }] },
    ]);
    expect(stats.engines[0]?.types).toContain("command");
    expect(stdout).toMatch(/mail +1 +0 +0 +0 .*no engine knows it/);
    expect(stdout).toMatch(new RegExp(`engine pid ${engine.pid} on .*1 running`));
  });

  it("tells the events of one task, from its submission to its end", async () => {
    await submit("mail");
    const { task } = await submit("mail");
    await box.cli(["tasks", "cancel", task.id]);
    const { stdout } = await box.cli(["watch", "--task", task.id, "--after", "0", "--no-follow", "--json"]);
    const events = stdout.trim().split("\n");

    expect(events.map((line) => (JSON.parse(line) as { data: { type: string } }).data.type)).toEqual([
      ...["task.submitted", "task.cancel_requested", "task.finished"],
    ]);
  });

  it("refuses to redraw what is no terminal", async () => {
    const { code, stderr } = await box.cli(["tasks", "top"]);

    expect(code).toBe(2);
    expect(stderr).toContain("--once prints one frame");
  });

  it.skipIf(noTerminal !== null)(
    `redraws a terminal, and leaves the last frame at Ctrl-C${noTerminal === null ? "" : ` (skipped: ${noTerminal})`}`,
    async () => {
      await submit("mail");
      const live = onTerminal(box, "tasks top --every 20ms", { columns: 120 });
      await live.says("mail");
      await submit("post");
      await live.says("post");
      live.type("\u0003");

      expect(await live.ended).toBe(0);
      expect(live.said()).toContain("No engine runs.");
    },
  );

  it("writes a line for each frame with --json, until it is told to leave", async () => {
    const live = box.spawnCli(["tasks", "top", "--json", "--every", "10ms"]);
    await until("there are several frames", () => live.stdout().split("\n").length > 3);
    live.kill("SIGINT");

    expect((await live.ended).code).toBe(0);
  });
});
