import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

type Checked = OutputOf<"tasks.check">;

const box = perTest(createSandbox);

async function refusal(): Promise<{ code: number | null; error: { code: string; message: string; hint: string } }> {
  const { code, stderr } = await box.cli(["tasks", "check", "tasks.mjs", "--json"]);
  return { code, error: (JSON.parse(stderr) as { error: { code: string; message: string; hint: string } }).error };
}

describe("`tasks check`", () => {
  it("shows the types of named exports and of a default list, each once, with limits and schedules", async () => {
    box.tasks(
      "tasks.mjs",
      `export const mail = defineTask({ type: "mail", params: anything, run: () => 1, concurrency: 4,
         rateLimit: { max: 10, perMs: 60_000 }, retry: { maxAttempts: 5 }, timeoutMs: 90_000 });
       const report = defineTask({ type: "report", params: anything, run: () => 1, timeoutMs: null,
         schedules: [{ cron: "0 3 * * *", timeZone: "Europe/Berlin", params: {} }, { everyMs: 60_000, params: {} }] });
       export const limit = 7;
       export default [mail, report];`,
    );
    const { types } = await box.json<Checked>(["tasks", "check", "tasks.mjs"]);
    const { stdout } = await box.cli(["tasks", "check", "tasks.mjs"]);

    expect(types).toMatchObject([
      { type: "mail", concurrency: 4, max_attempts: 5, timeout_ms: 90_000, rate_limit: { max: 10, per_ms: 60_000 } },
      {
        type: "report",
        timeout_ms: null,
        schedules: [
          { name: "report", cron: "0 3 * * *", time_zone: "Europe/Berlin", every_ms: null, overlap: "skip" },
          { name: "report-2", cron: null, every_ms: 60_000, next_at: expect.any(String) },
        ],
      },
    ]);
    expect(stdout).toMatch(/mail +5 +1m30s +4 +10 in 1m/);
    expect(stdout).toMatch(/report-2 +report +every 1m/);
    expect(stdout).toContain("tasks.mjs: 2 types");
  });

  it("says which file is not there", async () => {
    const { code, error } = await refusal();

    expect([code, error.code]).toEqual([2, "invalid_input"]);
    expect(error.message).toContain("tasks.mjs cannot be read: ENOENT");
  });

  it("says of a module that waits for ever that it never finished loading", async () => {
    writeFileSync(box.path("tasks.mjs"), "await new Promise(() => {});\n");
    const { code, error } = await refusal();

    expect([code, error.code]).toEqual([2, "invalid_task_module"]);
    expect(error.message).toContain("tasks.mjs never finished loading");
  });

  it.each([
    ["as it is read", "process.exit(0);"],
    ["when a timer fires", "setTimeout(() => process.exit(0), 1); await new Promise(() => {});"],
  ])("says of a module that ends the process %s that it did", async (_when, text) => {
    writeFileSync(box.path("tasks.mjs"), text);
    const { code, error } = await refusal();

    expect([code, error.code]).toEqual([2, "invalid_task_module"]);
    expect(error.message).toContain("tasks.mjs ended the process with exit code 0");
  });

  it("refuses to serve a module that never finishes loading", async () => {
    writeFileSync(box.path("tasks.mjs"), "await new Promise(() => {});\n");
    const { code, stderr } = await box.cli(["serve", "--tasks", "tasks.mjs", "--port", "0"]);

    expect(code).toBe(2);
    expect(stderr).toContain("tasks.mjs never finished loading: it awaits what never comes. (invalid_task_module)");
  });

  it("names line and column of a syntax error", async () => {
    writeFileSync(box.path("tasks.mjs"), "export const a = 1;\nconst b = ;\n");
    const { code, error } = await refusal();

    expect([code, error.code]).toEqual([2, "invalid_task_module"]);
    expect(error.message).toContain(`${box.path("tasks.mjs")}:2:11 cannot be imported: SyntaxError`);
  });

  it("names the line of an import that the other module does not have", async () => {
    writeFileSync(box.path("other.mjs"), "export const there = 1;\n");
    writeFileSync(box.path("tasks.mjs"), '\nimport { gone } from "./other.mjs";\n');

    expect((await refusal()).error.message).toContain(`${box.path("tasks.mjs")}:2 cannot be imported`);
  });

  it("says that a package is not installed", async () => {
    writeFileSync(box.path("tasks.mjs"), 'import "no-such-package";\n');
    const { error } = await refusal();

    expect(error.message).toContain("Cannot find package 'no-such-package'");
    expect(error.hint).toContain("Install what it imports");
  });

  it("names the place in the module at which it threw, with what a definition refused", async () => {
    box.tasks("tasks.mjs", 'export const bad = defineTask({ type: "", params: anything, run: () => 1 });');
    const { error } = await refusal();

    expect(error.message).toContain(`${box.path("tasks.mjs")}:2:20 cannot be imported`);
    expect(error.message).toContain("A task's type has 0 characters");
  });

  it("names every export that is not what it should be", async () => {
    box.tasks(
      "tasks.mjs",
      `export const a = defineTask({ type: "twice", params: anything, run: () => 1 });
       export const b = defineTask({ type: "twice", params: anything, run: () => 2 });
       export const raw = { type: "raw", params: anything, run: () => 1 };
       export const loose = { type: "loose", run: () => 1 };
       export const mine = defineTask({ type: "command", params: anything, run: () => 1 });
       export const called = { type: "called", params: anything, handler: () => 1 };
       export const idle = { type: "idle", params: anything };
       export const action = { type: "action", payload: 1 };
       export default [a, 7];`,
    );
    const { error } = await refusal();

    expect(error.code).toBe("invalid_task_module");
    expect(error.message).toContain('b: the type "twice" is defined already, by a');
    expect(error.message).toContain('raw: "raw" was not given to defineTask');
    expect(error.message).toContain('loose: "loose" has no params schema that can be used');
    expect(error.message).toContain('mine: the type "command" is built in and cannot be defined again');
    expect(error.message).toContain('called: "called" has no run; found "handler" (did you mean "run"?)');
    expect(error.message).toContain('idle: "idle" has no run, the function that executes it; found type, params');
    expect(error.message).not.toContain("action");
    expect(error.message).toContain("default[1]: the number 7 is no task definition");
  });

  it("says of what has a type and nothing else what it lacks, where nothing else is there", async () => {
    box.tasks("tasks.mjs", 'export const half = { type: "half" }; export const limit = 7;');
    const { error } = await refusal();

    expect(error.message).toContain('half: "half" has no run, the function that executes it; found type');
    expect(error.message).not.toContain("limit");
  });

  it("refuses two schedules of one name, and params that their schedule could never submit", async () => {
    const positive = `{ "~standard": { version: 1, vendor: "test",
      validate: (value) => (value > 0 ? { value } : { issues: [{ message: "expected more than 0" }] }) } }`;
    const define = (type: string, params: number) => `defineTask({ type: "${type}", params: ${positive}, run: () => 1,
      schedules: [{ name: "nightly", everyMs: 1000, params: ${params} }] })`;
    box.tasks("tasks.mjs", `export default [${define("one", 1)}, ${define("two", 1)}];`);
    const repeated = await refusal();
    box.tasks("tasks.mjs", `export default [${define("one", 0)}];`);
    const unfit = await refusal();

    expect(repeated.error.message).toContain('default[1]: the schedule "nightly" exists already, of the type "one"');
    expect(unfit.error.message).toContain('The schema refuses what the schedule "nightly" submits: expected more');
  });

  it("says what a module without definitions exports", async () => {
    writeFileSync(box.path("tasks.mjs"), "export const one = 1;\nexport const two = 2;\n");
    const some = await refusal();
    writeFileSync(box.path("tasks.mjs"), "");
    const none = await refusal();

    expect(some.error.message).toContain("it exports one, two, and none of them is a task definition");
    expect(none.error.message).toContain("it exports nothing");
  });
});
