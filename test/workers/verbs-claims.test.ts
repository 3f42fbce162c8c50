import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { builtCli } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { type Claim, verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);

const heartbeat = async ({ task, fence }: Claim, ...args: string[]) =>
  await box.json<OutputOf<"tasks.heartbeat">>(["tasks", "heartbeat", task.id, "--fence", String(fence), ...args]);

describe("`tasks claim`", () => {
  it("gives the next task by priority, then age, of the types and with the tags that are asked for", async () => {
    const old = await verbs.submit("review", "--params", '{"n":1}', "--tag", "blue");
    const urgent = await verbs.submit("review", "--priority", "5");
    const red = await verbs.submit("build", "--tag", "red", "--tag", "blue");

    expect((await verbs.claim("--tag", "red", "--tag", "blue")).task.id).toBe(red);
    expect((await verbs.claim("--type", "review")).task).toMatchObject({ id: urgent, attempt: 1 });
    expect((await verbs.claim()).task).toMatchObject({ id: old, params: { n: 1 }, tags: ["blue"] });
    expect(await verbs.refused(["tasks", "claim"])).toMatchObject({ exit: 3, code: "nothing_to_claim" });
  });

  it("prints task, attempt and fence for people", async () => {
    const id = await verbs.submit("review");
    const { stdout } = await box.cli(["tasks", "claim", id.slice(0, 20), "--agent", "ann"]);

    expect(stdout).toMatch(new RegExp(`^task +${id}\nattempt +1\nfence +\\d+\n`));
    expect(stdout).toContain("ann, session ");
  });

  it("prints lines that a shell takes into its environment as they are, whatever they hold", async () => {
    const id = await verbs.submit("review");
    const agent = 'ann\'s\n$(touch hacked)/`x` "é" 🦆';
    const script = `eval "$("$0" "$1" tasks claim --env --agent "$2")" && "$0" "$1" tasks heartbeat "$WAYBILL_TASK_ID" >&2 &&
      printf '%s|%s|%s' "$WAYBILL_TASK_ID" "$WAYBILL_ATTEMPT" "$WAYBILL_AGENT_ID"`;
    const args = ["-c", script, process.execPath, builtCli(), agent];
    const said = execFileSync("sh", args, { env: box.env, cwd: box.dir, encoding: "utf8", stdio: "pipe" });

    expect(said).toBe(`${id}|1|${agent}`);
    expect(await verbs.workers()).toMatchObject([{ agent_id: agent, kind: "claim", workspace: box.dir }]);
  });

  it("takes labels from the environment, and refuses one that is none", async () => {
    await verbs.submit("review");
    const env = { WAYBILL_AGENT_ID: "team/ann", WAYBILL_SESSION: "s-1" };
    const claim = await box.json<Claim>(["tasks", "claim"], { env });
    const long = await verbs.refused(["tasks", "claim"], { env: { WAYBILL_AGENT_ID: "a".repeat(201) } });

    expect([claim.agent_id, claim.session]).toEqual(["team/ann", "s-1"]);
    expect(long).toMatchObject({ exit: 2, code: "invalid_input" });
    expect(await verbs.refused(["tasks", "claim", "--agent", ""])).toMatchObject({ exit: 2, code: "invalid_input" });
  });

  it("gives one task to one of many that claim at once", async () => {
    await verbs.submit("review");
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => box.cli(["tasks", "claim", "--json"])));

    expect(answers.map(({ code }) => code).sort()).toEqual([0, 3, 3, 3, 3]);
  });

  it("waits until there is something, and gives up after a time", async () => {
    const waiting = verbs.claim("--type", "review", "--wait");
    await verbs.submit("other");
    const id = await verbs.submit("review");

    expect((await waiting).task.id).toBe(id);
    expect(
      await verbs.refused(["tasks", "claim", "--type", "review", "--wait", "--wait-timeout", "50ms"]),
    ).toMatchObject({
      exit: 124,
      code: "timeout",
    });
  });

  it("leaves at Ctrl-C while it waits, and has claimed nothing", async () => {
    const live = box.spawnCli(["tasks", "claim", "--wait"]);
    await live.says(/^waiting: /m);
    live.kill("SIGINT");
    const { code } = await live.ended;
    const id = await verbs.submit("review");

    expect(code).toBe(130);
    expect((await verbs.claim()).task.id).toBe(id);
  });

  it("refuses a task that runs or has ended, and waits for one that runs", async () => {
    const id = await verbs.submit("review");
    const first = await verbs.claim(id);
    const running = await verbs.refused(["tasks", "claim", id]);
    const waiting = verbs.claim(id, "--wait");
    await verbs.say("release", first);
    const second = await waiting;
    await verbs.say("result", second, ["--kind", "success"]);

    expect(running).toMatchObject({ exit: 4, code: "invalid_state" });
    expect([second.task.id, second.task.attempt]).toEqual([id, 2]);
    expect(await verbs.refused(["tasks", "claim", id, "--wait"])).toMatchObject({ exit: 4, code: "invalid_state" });
  });

  it("says of a task that is scheduled when it is due", async () => {
    const id = await verbs.submit("review", "--at", "2126-12-01T03:00:00Z");
    const { message } = await verbs.refused(["tasks", "claim", id]);

    expect(message).toContain("it is not due before 2126-12-01T03:00:00.000Z");
  });

  it("refuses a task whose paths somebody has, and says who", async () => {
    await verbs.submit("review", "--write", "src/store/");
    const other = await verbs.submit("build");
    const holder = await verbs.claim("--type", "review", "--agent", "ann");
    const { code, details } = await verbs.refused(["tasks", "claim", other, "--write", "src/**/*.ts"]);

    expect(code).toBe("paths_conflict");
    expect(JSON.stringify(details)).toContain(holder.task.id);
    expect(JSON.stringify(details)).toContain("ann");
    expect((await verbs.claim(other, "--write", "docs/", "--read", "README.md")).task.paths).toEqual(
      expect.arrayContaining([
        { mode: "write", space: "", pattern: "docs/**" },
        { mode: "read", space: "", pattern: "README.md" },
      ]),
    );
  });

  it.each([
    [["--pid", "999999999"], "There is no process"],
    [["--write", "../etc"], "leaves the repository"],
    [["--lease", "soon"], "expected a duration"],
    [["--lease", "0s"], "lease: expected at least 100ms and at most 366d"],
    [["--lease", "99ms"], "lease: expected at least 100ms and at most 366d"],
    [["--lease", "367d"], "lease: expected at least 100ms and at most 366d"],
    [["--lease", "99999999999999h"], "lease: expected at most 1000000d"],
    [["--wait-timeout", "1s"], "expected --wait"],
  ])("refuses %j", async (args, message) => {
    await verbs.submit("review");
    const refusal = await verbs.refused(["tasks", "claim", ...args]);

    expect(refusal).toMatchObject({ exit: 2, code: "invalid_input" });
    expect(refusal.message).toContain(message);
    expect(await verbs.workers()).toEqual([]);
  });
});

describe("a claim", () => {
  it("outlives the command that made it, and is held across many short calls for longer than its lease", async () => {
    const id = await verbs.submit("review");
    const claim = await verbs.claim("--lease", "5s");
    const over = Date.parse(claim.lease.expires_at) + 1_000;
    let calls = 0;
    while (Date.now() < over) {
      await heartbeat(claim, "--lease", "5m");
      expect((await verbs.say("progress", claim, [String(++calls)])).code).toBe(0);
      expect((await verbs.refused(["tasks", "claim"])).code).toBe("nothing_to_claim");
    }
    const { task } = await box.json<OutputOf<"tasks.result">>([
      "tasks",
      "result",
      id,
      "--fence",
      String(claim.fence),
      "--kind",
      "success",
      "--summary",
      "done",
    ]);

    expect(task).toMatchObject({ state: "completed", attempt: 1, crashes: 0 });
    expect((await verbs.show(id)).progress).toBe(calls);
    expect(await verbs.workers()).toEqual([]);
  });

  it("lapses with its lease: somebody else gets the task, and what its worker says after that is refused and counted", async () => {
    const id = await verbs.submit("review");
    const first = await verbs.claim("--lease", "200ms");
    const second = await verbs.claim("--wait", "--agent", "bob");
    const late = await verbs.say("result", first, ["--kind", "success", "--summary", "too late", "--json"]);

    expect(second.task).toMatchObject({ id, attempt: 2, crashes: 1 });
    expect(second.fence).toBeGreaterThan(first.fence);
    expect([late.code, JSON.parse(late.stderr)]).toMatchObject([4, { error: { code: "stale_write" } }]);
    expect(await verbs.staleWrites()).toBe(1);
    expect(await verbs.show(id)).toMatchObject({
      state: "running",
      attempts: [{ state: "lost" }, { state: "running", worker: { agent_id: "bob" } }],
    });
  });

  it("is over at once when its process is dead, however long the lease", async () => {
    const child = spawn("sleep", ["600"], { env: box.env });
    const id = await verbs.submit("review");
    const claim = await verbs.claim("--lease", "1h", "--pid", String(child.pid));
    const held = await verbs.refused(["tasks", "claim"]);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;

    expect(claim.task.id).toBe(id);
    expect(held.code).toBe("nothing_to_claim");
    expect((await verbs.claim()).task).toMatchObject({ id, attempt: 2 });
  });

  it("is one of two when two sessions of one agent work in one checkout, and the end of one is not the end of the other", async () => {
    await verbs.submit("review");
    await verbs.submit("review");
    const child = spawn("sleep", ["600"], { env: box.env });
    const left = await verbs.claim("--agent", "ann", "--session", "left", "--pid", String(child.pid));
    const right = await verbs.claim("--agent", "ann", "--session", "right");
    const both = await verbs.workers();
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    const taken = await verbs.claim("--agent", "bob");

    expect(both.map(({ agent_id, session, workspace }) => [agent_id, session, workspace])).toEqual([
      ["ann", "left", box.dir],
      ["ann", "right", box.dir],
    ]);
    expect(taken.task.id).toBe(left.task.id);
    expect((await heartbeat(right)).fence).toBe(right.fence);
    expect((await verbs.workers()).map(({ session }) => session).sort()).toEqual(["right", taken.session].sort());
  });

  it("that has lapsed is ended by whoever cancels its task, though no engine runs", async () => {
    const id = await verbs.submit("review");
    await verbs.claim("--lease", "100ms");
    const { tasks } = await box.json<OutputOf<"tasks.cancel">>(["tasks", "cancel", id]);

    expect(tasks).toMatchObject([{ id, state: "cancelled" }]);
    expect(await verbs.show(id)).toMatchObject({
      attempts: [{ failure: { code: "lost", message: expect.stringContaining("gave no sign of life") } }],
    });
  });

  it("is waited for by whoever cancels its task, which says once for whom, until when, and how to do without", async () => {
    const [id, other] = [await verbs.submit("review"), await verbs.submit("review")];
    const claim = await verbs.claim(id, "--agent", "ann", "--session", "s7", "--lease", "1h");
    await verbs.claim(other, "--lease", "1h");
    const cancel = box.spawnCli(["tasks", "cancel", id, other, "--json"]);
    await cancel.says(/waiting: /);
    await verbs.say("result", claim, ["--kind", "cancelled", "--summary", "stopped as told"]);
    await box.cli(["tasks", "reclaim", other, "--force", "--reason", "nobody answers"]);
    const { code, stdout, stderr } = await cancel.ended;

    expect([code, JSON.parse(stdout).data.tasks]).toMatchObject([0, [{ id }, { id: other }]]);
    expect(stderr.match(/waiting: .*/g)).toEqual([
      expect.stringMatching(
        /^waiting: for ann \(claim, .*, session s7\), who has task .* \(and for 1 more such claim\)/,
      ),
    ]);
    const named = [`who has task ${id}, until ${claim.lease.expires_at} at most`, "--no-wait", `tasks reclaim ${id}`];
    for (const text of named) expect(stderr).toContain(text);
    expect((await box.cli(["tasks", "cancel", id])).stderr).toBe("");
  });

  it("is told by its heartbeat that somebody asked for its end, and says so itself", async () => {
    const id = await verbs.submit("review");
    const claim = await verbs.claim();
    const before = await heartbeat(claim);
    await box.cli(["tasks", "cancel", id, "--no-wait"]);
    const after = await heartbeat(claim);
    await verbs.say("result", claim, ["--kind", "cancelled", "--summary", "stopped as told"]);

    expect([before.cancel_requested_at, after.cancel_requested_at]).toEqual([null, expect.any(String)]);
    expect(await verbs.show(id)).toMatchObject({ state: "cancelled", failure: { code: "cancelled" } });
  });

  it("has a longer lease after a heartbeat, and no shorter one", async () => {
    await verbs.submit("review");
    const claim = await verbs.claim("--lease", "1h");
    const shorter = await heartbeat(claim, "--lease", "1m");
    const longer = await heartbeat(claim, "--lease", "2h");

    expect(shorter.lease.expires_at).toBe(claim.lease.expires_at);
    expect(Date.parse(longer.lease.expires_at)).toBeGreaterThan(Date.parse(claim.lease.expires_at));
  });

  it.each(["heartbeat", "progress", "note", "result", "release", "handoff"])(
    "is not touched by `tasks %s` with another fence, which is refused and counted",
    async (verb) => {
      const id = await verbs.submit("review");
      const claim = await verbs.claim();
      const rest = { progress: ["1"], note: ["hi"], result: ["--kind", "success"], handoff: ["--to", "bob"] };
      const args = ["tasks", verb, id, ...(rest[verb as keyof typeof rest] ?? []), "--fence", String(claim.fence + 1)];

      expect(await verbs.refused(args)).toMatchObject({ exit: 4, code: "stale_write", details: { id } });
      expect(await verbs.staleWrites()).toBe(1);
      expect(await verbs.show(id)).toMatchObject({ state: "running", attempt: 1, notes: [], progress: null });
      expect((await heartbeat(claim)).fence).toBe(claim.fence);
    },
  );

  it("needs a fence, which may come from the environment", async () => {
    const id = await verbs.submit("review");
    const { fence } = await verbs.claim();
    const none = await verbs.refused(["tasks", "heartbeat", id]);
    const bad = await verbs.refused(["tasks", "heartbeat", id], { env: { WAYBILL_FENCE: "seven" } });

    expect([none.code, bad.code]).toEqual(["invalid_input", "invalid_input"]);
    expect(bad.message).toContain('WAYBILL_FENCE is "seven"');
    expect((await box.cli(["tasks", "heartbeat", id], { env: { WAYBILL_FENCE: String(fence) } })).code).toBe(0);
  });
});
