import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { startTaskEngine } from "../cli/task-engine.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { onTerminal, whyNoTerminal } from "../harness/terminal.js";
import { until } from "../harness/until.js";
import { verbsOf } from "./verbs.js";

const noTerminal = whyNoTerminal();
const HELD = `export default [defineTask({ type: "held", params: anything, run: (_p, ctx) => new Promise((_resolve, reject) =>
  ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))) })];`;

const box = perTest(createSandbox);
const verbs = verbsOf(box);

describe("`tasks release`", () => {
  it("queues the task again without counting anything, and says why in its thread", async () => {
    const id = await verbs.submit("review");
    await verbs.say("release", await verbs.claim(), ["--reason", "needs a GPU", "--agent", "ann"]);

    expect(await verbs.show(id)).toMatchObject({
      ...{ state: "queued", gate: "open", failures: 0, crashes: 0 },
      attempts: [{ state: "cancelled", returned: "released" }],
      notes: [{ author: "ann", kind: "notice", attempt: 1, text: "Released: needs a GPU" }],
    });
    expect((await verbs.claim()).task).toMatchObject({ id, attempt: 2 });
  });

  it("keeps it back for a while when asked to", async () => {
    const id = await verbs.submit("review");
    await verbs.say("release", await verbs.claim(), ["--delay", "1h"]);

    expect(await verbs.show(id)).toMatchObject({ state: "scheduled" });
    expect((await verbs.refused(["tasks", "claim"])).code).toBe("nothing_to_claim");
  });
});

describe("`tasks handoff`", () => {
  it("gives the task to somebody else under a new fence, in one step that nobody gets between", async () => {
    const id = await verbs.submit("review", "--write", "src/");
    const rival = await verbs.submit("review", "--write", "src/");
    const first = await verbs.claim("--agent", "ann", "--session", "one");
    const handed = await box.json<OutputOf<"tasks.handoff">>([
      "tasks",
      "handoff",
      id,
      "--fence",
      String(first.fence),
      "--to",
      "bob",
      "--reason",
      "shift ends",
      "--agent",
      "ann",
    ]);
    const late = await verbs.say("heartbeat", first);
    const detail = await verbs.show(id);

    expect(handed).toMatchObject({ agent_id: "bob", task: { id, attempt: 2 } });
    expect(handed.fence).toBeGreaterThan(first.fence);
    expect(handed.session).not.toBe("one");
    expect(late.code).toBe(4);
    expect(detail).toMatchObject({
      state: "running",
      attempts: [
        { state: "cancelled", returned: "handed_off", worker: { agent_id: "ann", session: "one" } },
        { state: "running", worker: { agent_id: "bob" } },
      ],
    });
    expect(detail.engine).toMatch(/^bob \(claim, /);
    expect(detail.notes.map(({ text }) => text).join()).toContain("shift ends");
    expect((await verbs.workers()).map(({ agent_id }) => agent_id)).toEqual(["bob"]);
    expect((await verbs.refused(["tasks", "claim", rival])).code).toBe("paths_conflict");
    expect((await verbs.say("result", { ...handed }, ["--kind", "success"])).code).toBe(0);
  });
});

describe("`tasks reclaim`", () => {
  it("is refused while the owner lives, and takes the task by force, on the record", async () => {
    const id = await verbs.submit("review");
    const claim = await verbs.claim("--agent", "ann");
    const refusal = await verbs.refused(["tasks", "reclaim", id, "--reason", "it hangs"]);
    await box.cli(["tasks", "reclaim", id, "--reason", "it hangs", "--force", "--agent", "eva"]);
    const { stdout } = await box.cli(["watch", "--task", id, "--after", "0", "--no-follow", "--json"]);
    const detail = await verbs.show(id);

    expect(refusal).toMatchObject({ exit: 4, code: "worker_live" });
    expect(detail).toMatchObject({ state: "queued", crashes: 0, failures: 0, attempts: [{ returned: "reclaimed" }] });
    expect(detail.notes).toMatchObject([{ author: "eva", kind: "notice", text: expect.stringContaining("it hangs") }]);
    expect(stdout).toMatch(/"type":"task\.reclaimed".*"by":"eva"/);
    expect((await verbs.say("result", claim, ["--kind", "success"])).code).toBe(4);
    expect(await verbs.workers()).toEqual([]);
  });

  it("needs no force when the owner's process is proved dead", async () => {
    const child = spawn("sleep", ["600"], { env: box.env });
    const id = await verbs.submit("review");
    await verbs.claim("--pid", String(child.pid), "--lease", "1h");
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    const { code } = await box.cli(["tasks", "reclaim", id, "--reason", "the shell is gone"]);

    expect(code).toBe(0);
    expect(await verbs.show(id)).toMatchObject({ state: "queued" });
  });

  it("needs a reason, and a task that runs", async () => {
    const id = await verbs.submit("review");

    expect(await verbs.refused(["tasks", "reclaim", id])).toMatchObject({ exit: 2, code: "invalid_input" });
    expect(await verbs.refused(["tasks", "reclaim", id, "--reason", "x"])).toMatchObject({
      exit: 4,
      code: "invalid_state",
    });
  });
});

describe("`workers`", () => {
  it("lists engines and claims with who, where, what and how long", async () => {
    const engine = await startTaskEngine(box, box.tasks("held.mjs", HELD));
    const held = await verbs.submit("held");
    const review = await verbs.submit("review");
    await until("it runs", async () => (await verbs.show(held)).state === "running");
    const claim = await verbs.claim(review, "--agent", "ann", "--pid", String(process.pid), "--lease", "10m");
    await verbs.say("progress", claim, ["half"]);
    const listed = await verbs.workers();
    const { stdout } = await box.cli(["workers", "list"]);

    expect(listed).toMatchObject([
      { kind: "engine", agent_id: null, pid: engine.pid, alive: true, tasks: [{ id: held, type: "held" }] },
      {
        ...{ kind: "claim", agent_id: "ann", pid: process.pid, alive: true, workspace: box.dir },
        tasks: [{ id: review, attempt: 1, fence: claim.fence, progress: "half" }],
      },
    ]);
    expect(listed[1]?.lease_left_ms).toBeGreaterThan(500_000);
    expect(stdout).toMatch(new RegExp(`^ann +claim +pid ${process.pid} on .* review ${review.slice(0, 18)} `, "m"));
  });

  it("shows one by its agent, its session, its lease or its task, and says who could be meant", async () => {
    await verbs.submit("review");
    await verbs.submit("review");
    const left = await verbs.claim("--agent", "ann", "--session", "left");
    await verbs.claim("--agent", "ann", "--session", "right");
    const show = async (id: string) => await box.json<OutputOf<"workers.show">>(["workers", "show", id]);
    const names = await Promise.all(["left", left.lease.name, left.task.id].map(show));

    expect(names.map(({ session }) => session)).toEqual(["left", "left", "left"]);
    expect((await box.cli(["workers", "show", "left"])).stdout).toContain(left.task.id);
    expect(await verbs.refused(["workers", "show", "ann"])).toMatchObject({ exit: 2, code: "ambiguous_id" });
    expect(await verbs.refused(["workers", "show", "eva"])).toMatchObject({ exit: 3, code: "worker_not_found" });
  });

  it("writes a line for each change where nothing can be redrawn", async () => {
    const live = box.spawnCli(["workers", "watch", "--every", "20ms"]);
    const id = await verbs.submit("review");
    const claim = await verbs.claim("--agent", "ann\nx");
    await live.says(/ann x executes review/);
    await verbs.say("result", claim, ["--kind", "success"]);
    await live.says(/ann x has left/);
    live.kill("SIGINT");
    const { code, stdout } = await live.ended;

    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.replace(/^\S+ /, "")),
    ).toEqual([
      expect.stringMatching(/^ann x is there: claim, /),
      `ann x executes review ${id.slice(0, 18)}, attempt 1`,
      `ann x no longer executes review ${id.slice(0, 18)}`,
      "ann x has left",
    ]);
  });

  it("prints one frame with --once, and a frame a line with --json", async () => {
    await verbs.submit("review");
    await verbs.claim("--agent", "ann");
    const live = box.spawnCli(["workers", "watch", "--every", "10ms", "--json"]);
    await until("there are several frames", () => live.stdout().split("\n").length > 3);
    live.kill("SIGINT");

    expect((await live.ended).code).toBe(0);
    expect((await box.cli(["workers", "watch", "--once"])).stdout).toMatch(/^ann +claim/m);
  });

  it.skipIf(noTerminal !== null)(
    `redraws a terminal${noTerminal === null ? "" : ` (skipped: ${noTerminal})`}`,
    async () => {
      await verbs.submit("review");
      const live = onTerminal(box, "workers watch --every 20ms", { columns: 140 });
      await live.says("Nobody executes tasks.");
      await verbs.claim("--agent", "ann");
      await live.says("ann");
      live.type("\u0003");

      expect(await live.ended).toBe(0);
    },
  );
});

describe("`why` of a task that a worker has", () => {
  it("says who, and that it is gone when its process is", async () => {
    const child = spawn("sleep", ["600"], { env: box.env });
    const id = await verbs.submit("review");
    await verbs.claim("--agent", "ann", "--pid", String(child.pid), "--lease", "1h");
    const alive = await verbs.why(id);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;

    expect(alive).toMatchObject([
      { code: "running", holders: [expect.stringContaining(`ann (claim, pid ${child.pid} on `)] },
    ]);
    expect(await verbs.why(id)).toMatchObject([{ code: "running" }, { code: "worker_gone" }]);
  });

  it("says whose paths another task waits for", async () => {
    const holder = await verbs.submit("review", "--write", "src/");
    const waiter = await verbs.submit("review", "--read", "src/a.ts");
    await verbs.claim(holder, "--agent", "ann");
    await verbs.refused(["tasks", "claim"]);

    expect(await verbs.show(waiter)).toMatchObject({ gate: "paths", path_holders: [{ id: holder, agent_id: "ann" }] });
    expect(await verbs.why(waiter)).toMatchObject([
      { code: "paths_held", holders: [expect.stringContaining(`${holder} of ann, running: write src/**`)] },
    ]);
  });
});
