/** What a dispatched worker is started with, and where its answer is found. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { dispatchesOf, expectStored, HAND_OFF } from "./dispatches.js";
import { verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

const submit = (...args: string[]) => verbs.submit("review", ...args);
const textOf = (name: string) => readFileSync(box.path(name), "utf8");

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
    const answer = await dispatches.answer(await submit(), ["--worker-bin", worker]);

    expect(answer).toMatchObject({ error_code: "invalid_result", task: { state: "failed" }, result: null });
  });

  it("is kept with an attempt whose time was over before the worker had failed", async () => {
    const worker = dispatches.worker("trap 'echo \"dispatch-result|fail|half of it\"; exit 1' TERM; sleep 600 & wait");
    const answer = await dispatches.answer(await submit(), ["--timeout", "500ms", "--worker-bin", worker]);

    expect(answer).toMatchObject({ error_code: "timeout", task: { state: "scheduled" } });
    expect(answer.result).toMatchObject({ kind: "fail", summary: "half of it" });
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
    for (const way of [[], [HAND_OFF]]) {
      const id = await submit("--max-attempts", "1");
      expect(await dispatches.run(id, [...args, ...way])).toMatchObject({ code });
      const { attempts } = await dispatches.show(id);
      expect(attempts.at(-1)?.result).toMatchObject({ kind, summary: "several\nlines | and more" });
      expect(attempts).toHaveLength(way.length + 1);
    }
  });
});
