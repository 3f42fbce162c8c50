import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { type Claim, verbsOf } from "./verbs.js";

type Recorded = OutputOf<"tasks.result">;

const box = perTest(createSandbox);
const verbs = verbsOf(box);

const record = async ({ task, fence }: Claim, args: readonly string[], input?: string): Promise<Recorded> =>
  await box.json<Recorded>(
    ["tasks", "result", task.id, "--fence", String(fence), ...args],
    input === undefined ? {} : { input },
  );

describe("`tasks result`", () => {
  it("completes the task with a success, and a waiter that comes late still gets it", async () => {
    const id = await verbs.submit("review");
    const { outcome, task, result } = await record(await verbs.claim(), ["--kind", "success", "--summary", "all good"]);
    const waited = await box.cli(["tasks", "wait", id]);

    expect([outcome, task.state, waited.code]).toEqual(["recorded", "completed", 0]);
    expect(result).toEqual({ v: 2, kind: "success", summary: "all good" });
    expect(await verbs.show(id)).toMatchObject({
      result: { kind: "success", summary: "all good" },
      attempts: [{ state: "succeeded", result: { kind: "success" } }],
    });
    expect((await box.cli(["tasks", "show", id])).stdout).toMatch(/✔ succeeded .*success: all good$/m);
  });

  it("shows where the work lies that waits to be looked at", async () => {
    const id = await verbs.submit("review");
    const fork = ["--kind", "fork", "--summary", "see the branch", "--branch", "fix/login", "--rev", "3f2c1a"];
    await record(await verbs.claim(), fork);
    const { stdout } = await box.cli(["tasks", "show", id]);
    expect(stdout).toMatch(/↩ review .*fork \(fix\/login 3f2c1a\): see the branch$/m);
  });

  it("tries a failure again while there are attempts left, and fails the task then", async () => {
    const id = await verbs.submit("review", "--max-attempts", "2");
    const first = await record(await verbs.claim(), ["--kind", "fail", "--summary", "flaky"]);
    const second = await record(await verbs.claim("--wait"), ["--kind", "fail", "--summary", "still so"]);

    expect([first.task.state, first.task.failures]).toEqual(["scheduled", 1]);
    expect(second.task).toMatchObject({ state: "failed", failure: { code: "task_failed", message: "still so" } });
    expect((await box.cli(["tasks", "wait", id])).code).toBe(1);
  });

  it("counts a crash and no failure when the infrastructure did it, and leaves the task alone after the third", async () => {
    const id = await verbs.submit("review", "--max-attempts", "1");
    const killed = ["--kind", "fail", "--summary", "died", "--fault", "killed", "--error", "out of memory"];
    const states = [];
    for (const _ of [1, 2, 3]) states.push((await record(await verbs.claim("--wait"), killed)).task.state);
    const detail = await verbs.show(id);

    expect(states).toEqual(["queued", "queued", "failed"]);
    expect(detail).toMatchObject({ failures: 0, crashes: 3, failure: { code: "quarantined" } });
    expect(detail.attempts.map(({ state }) => state)).toEqual(["lost", "lost", "lost"]);
    expect(detail.attempts[0]).toMatchObject({
      failure: { code: "lost", message: "killed: out of memory: died" },
      result: { substrate: { fault: "killed", error: "out of memory" } },
    });
  });

  it("cancels the task when the worker says so", async () => {
    await verbs.submit("review");
    const { task } = await record(await verbs.claim(), ["--kind", "cancelled", "--summary", "nobody needs it"]);

    expect(task).toMatchObject({ state: "cancelled", failure: { code: "cancelled", message: "nobody needs it" } });
  });

  it("takes a whole result from standard input, and keeps every field of it", async () => {
    const id = await verbs.submit("review");
    const result = {
      ...{ v: 2, kind: "success", summary: "a|b\nc 🦆" },
      artifacts: [{ type: "patch", path: "a.diff" }],
      usage: { tokens: 1200, model: "m" },
      followups: [{ title: "clean up", priority: 2 }],
    };
    await record(await verbs.claim(), ["--file", "-"], JSON.stringify(result, null, 2));

    expect((await verbs.show(id)).result).toEqual(result);
  });

  it("takes a line of the older format", async () => {
    const id = await verbs.submit("review");
    await record(await verbs.claim(), ["--file", "-"], "dispatch-result|success|done|main|abc123\n");

    expect((await verbs.show(id)).result).toMatchObject({
      kind: "success",
      summary: "done",
      branch: "main",
      rev: "abc123",
    });
  });

  it("answers the same result twice with the first, and refuses another one", async () => {
    const id = await verbs.submit("review");
    const claim = await verbs.claim();
    const said = ["--kind", "success", "--summary", "done"];
    const [first, second] = [await record(claim, said), await record(claim, said)];
    const other = await verbs.say("result", claim, ["--kind", "fail", "--summary", "no", "--json"]);

    expect([first.outcome, second.outcome, second.task.state]).toEqual(["recorded", "existing", "completed"]);
    expect([other.code, JSON.parse(other.stderr)]).toMatchObject([4, { error: { code: "stale_write" } }]);
    expect(await verbs.staleWrites()).toBe(1);
    expect((await verbs.show(id)).attempts).toHaveLength(1);
  });

  it("records once what is said several times at once", async () => {
    const id = await verbs.submit("review");
    const claim = await verbs.claim();
    const said = ["--kind", "success", "--summary", "done"];
    const outcomes = await Promise.all([1, 2, 3].map(async () => (await record(claim, said)).outcome));

    expect(outcomes.sort()).toEqual(["existing", "existing", "recorded"]);
    expect((await verbs.show(id)).attempts).toMatchObject([{ state: "succeeded" }]);
  });

  it.each([
    [["--file", "-"], ""],
    [["--file", "-"], "all is well"],
    [["--file", "-"], '{"v":2,"kind":"victory","summary":""}'],
    [["--file", "-"], '{"v":1,"kind":"success","summary":""}'],
    [["--file", "-"], '{"v":2,'],
    [["--file", "-", "--kind", "success"], "{}"],
    [["--file", "none.json"], ""],
    [["--summary", "what kind?"], ""],
    [["--kind", "victory"], ""],
    [["--kind", "needs_input", "--summary", " "], ""],
  ])("refuses %j with %j on standard input as bad input, and the attempt goes on", async (args, input) => {
    const id = await verbs.submit("review");
    const { fence } = await verbs.claim();
    const { code, stderr } = await box.cli(["tasks", "result", id, "--fence", String(fence), ...args, "--json"], {
      input,
    });

    expect([code, JSON.parse(stderr)]).toMatchObject([2, { error: { code: "invalid_input" } }]);
    expect(await verbs.show(id)).toMatchObject({ state: "running" });
  });
});

describe("`tasks progress`", () => {
  it("takes JSON as JSON and all else as text", async () => {
    const id = await verbs.submit("review");
    const claim = await verbs.claim();
    await verbs.say("progress", claim, ['{"done":3,"of":7}']);
    const json = (await verbs.show(id)).progress;
    await verbs.say("progress", claim, ["reading the code"]);
    const text = (await verbs.show(id)).progress;
    await verbs.say("progress", claim, ["-"], { input: "[1]\n" });

    expect([json, text, (await verbs.show(id)).progress]).toEqual([{ done: 3, of: 7 }, "reading the code", [1]]);
  });
});
