import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../../src/domain/errors.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

let box: Sandbox;

beforeAll(() => {
  box = createSandbox();
  box.machines({ left: { tags: ["fast"] }, right: {} });
  box.work("good", "exit 0");
  box.work("no-entrypoint", "exit 0", { "other.sh": "exit 0" });
  box.plan("good.yaml", [{ name: "good", machine: "left" }]);
  writeFileSync(box.path("broken.yaml"), "version: 1\nentries:\n  - { name: a }\n");
  writeFileSync(box.path("empty.yaml"), "version: 1\nentries: []\n");
  writeFileSync(box.path("odd-machines.yaml"), "machines: 4\n");
});
afterAll(() => box.dispose());

const REFUSALS: readonly (readonly [ErrorCode, readonly string[]])[] = [
  ["run_not_found", ["runs", "show", "ffff"]],
  ["run_not_found", ["runs", "logs", "ffff"]],
  ["batch_not_found", ["batch", "show", "ffff"]],
  ["subject_not_found", ["why", "ffff"]],
  ["batch_not_found", ["why", "ffff/build"]],
  ["machine_not_found", ["machines", "show", "lefd"]],
  ["machine_not_found", ["run", "good", "--machine", "lefd"]],
  ["operation_not_found", ["schema", "runs.lits"]],
  ["no_matching_machine", ["run", "good", "--tag", "fats"]],
  ["entrypoint_missing", ["run", "no-entrypoint", "--machine", "left", "--entrypoint", "none.sh"]],
  ["entrypoint_missing", ["run", "good", "--machine", "left", "--entrypoint", "../good/run.sh"]],
  ["invalid_tree", ["run", "not-there", "--machine", "left"]],
  ["missing_env", ["run", "good", "--machine", "left", "--env", "NOT_SET_ANYWHERE"]],
  ["invalid_plan", ["plan", "check", "broken.yaml"]],
  ["empty_plan", ["plan", "check", "empty.yaml"]],
  ["invalid_input", ["plan", "check", "not-there.yaml"]],
  ["invalid_inventory", ["machines", "list", "--machines", "odd-machines.yaml"]],
  ["invalid_input", ["run", "good"]],
  ["invalid_input", ["run", "good", "--machine", "left", "--tag", "fast"]],
  ["invalid_input", ["run", "good", "--machine", "left", "--timeout", "90"]],
  ["invalid_input", ["run", "good", "--machine", "left", "--env", "1X=2"]],
  ["invalid_input", ["run", "good", "--machine", "left", "--label", "novalue"]],
  ["invalid_input", ["run", "good", "--machine", "left", "--retries", "11"]],
  ["invalid_input", ["runs", "list", "--limit", "0"]],
  ["invalid_input", ["runs", "list", "--status", "sleeping"]],
  ["invalid_input", ["batch", "run", "good.yaml"]],
  ["invalid_input", ["store", "destroy"]],
  ["invalid_input", ["nonsense"]],
  ["invalid_input", ["runs", "list", "--store", "mysql://localhost/x"]],
  ["store_unsupported", ["runs", "list", "--store", "postgres://localhost/x"]],
];

describe("an error with --json", () => {
  it.each(REFUSALS)(
    "is %s for `waybill %j`: envelope on stderr, nothing on stdout, its exit code",
    async (code, args) => {
      const { stdout, stderr, code: exit } = await box.cli([...args, "--json"]);

      expect(stdout).toBe("");
      expect(JSON.parse(stderr)).toEqual({
        schema_version: "v1",
        ok: false,
        error: {
          code,
          message: expect.stringMatching(/\S/),
          hint: expect.toSatisfy((hint: unknown) => hint === null || (typeof hint === "string" && hint !== "")),
          retryable: ERRORS[code].retryable,
          details: expect.any(Object),
        },
      });
      expect(exit).toBe(ERRORS[code].exit);
    },
  );
});

describe("an error for people", () => {
  it("is its message with the code, then what to do, on stderr", async () => {
    const { stdout, stderr, code } = await box.cli(["machines", "show", "lefd"]);

    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /^waybill: There is no machine "lefd" in .*machines\.yaml\. \(machine_not_found\)\n {2}Did you mean "left"\?\n$/,
    );
    expect(code).toBe(3);
  });

  it.each([
    [["tasks", "submit", "t", "--timeout", "0s"], "timeout: expected more than no time"],
    [["tasks", "submit", "t", "--delay", "99999999999h"], "delay: expected at most 1000000d"],
    [["tasks", "submit", "t", "--delay", "soon"], 'delay: expected a duration such as "90s"'],
    [["tasks", "submit", "t", "--priority", "high"], 'priority: expected a number, found "high"'],
    [["tasks", "submit", "t", "--tag", ""], "tag.0: expected at least 1 character, found"],
    [["tasks", "submit", "t", "--space", "repo"], "--space says where paths are"],
    [["tasks", "submit", "t", "--unique-scope", "active"], "--unique-scope says how long a key is held"],
    [["tasks", "submit", "t", "--wait-timeout", "1s"], "--wait-timeout says how long to wait"],
    [["tasks", "claim", "--space", "repo"], "--space says where paths are"],
    [["work", "--types", "t", "--lease", "1ms", "--", "true"], "lease: expected at least 100ms and at most 366d"],
    [["serve", "--port", "70000"], 'port: expected at most 65535, found "70000"'],
  ])("says of %j what was expected", async (args, message) => {
    const { stderr, code } = await box.cli(args);

    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
