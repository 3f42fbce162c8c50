import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
  box.machines({ left: { tags: ["fast"] }, right: { tags: ["fast"] } });
  box.work("here", "exit 0");
});
afterAll(() => box.dispose());

const write = (name: string, text: string): void => writeFileSync(box.path(name), text);

describe("`plan check`", () => {
  it("names every fault at once, each at its line and column with what to do", async () => {
    write(
      "faults.yaml",
      `version: 1
entries:
  - { name: a, dir: gone, machine: left }
  - { name: a, dirr: here, timeout: 90, tag: fast }
  - { name: b, dir: here }
`,
    );
    const { code, stdout, stderr } = await box.cli(["plan", "check", "faults.yaml"]);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.split("\n")).toEqual([
      "waybill: faults.yaml has 6 problems:",
      expect.stringMatching(/^faults\.yaml:3:21 no such directory: .*gone/),
      'faults.yaml:4:5 missing key "dir"',
      'faults.yaml:4:13 repeated name "a", already given to entry 1 (names of entries are unique)',
      'faults.yaml:4:16 unknown key "dirr" (did you mean "dir"?)',
      expect.stringMatching(/^faults\.yaml:4:37 expected a duration .*90 \(write a unit: 90s\)$/),
      expect.stringMatching(/^faults\.yaml:5:5 neither machine nor tag .*\(invalid_plan\)$/),
      expect.stringMatching(/^ {2}\S/),
      "",
    ]);
  });

  it("gives the same faults as data with --json", async () => {
    write("one.yaml", "version: 1\nentries:\n  - { name: a, dir: here, machin: left }\n");
    const { stderr } = await box.cli(["plan", "check", "one.yaml", "--json"]);

    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        code: "invalid_plan",
        details: {
          problems: [
            { line: 3, column: 5, path: "entries[0]", hint: expect.any(String) },
            { line: 3, column: 27, message: 'unknown key "machin"', hint: 'did you mean "machine"?' },
          ],
        },
      },
    });
  });

  it("warns of an entry that no machine matches, with the nearest, and leaves with 0", async () => {
    write(
      "unmatched.yaml",
      "version: 1\nentries: [{ name: a, dir: here, tag: fasd }, { name: b, dir: here, tag: fast }]\n",
    );
    const found = await box.json<OutputOf<"plans.check">>(["plan", "check", "unmatched.yaml"]);
    const { code, stdout } = await box.cli(["plan", "check", "unmatched.yaml"]);

    expect(found.entries.map((e) => e.machines)).toEqual([[], ["left", "right"]]);
    expect(found.warnings).toEqual(['a: No machine matches tag:fasd; the nearest is "fast".']);
    expect(code).toBe(0);
    expect(stdout).toContain("warning: a: No machine matches tag:fasd");
  });

  it("gives one hash to plans that differ in spelling only", async () => {
    write("plain.yaml", "version: 1\nentries:\n  - name: a\n    dir: here\n    machine: left\n    timeout: 90s\n");
    write("other.yaml", '# same\nentries: [{timeout: 1m30s, machine: "left", dir: here, name: a}]\nversion: 1\n');
    write("renamed.yaml", "version: 1\nentries: [{timeout: 90s, machine: left, dir: here, name: b}]\n");
    const hashes = await Promise.all(
      ["plain.yaml", "other.yaml", "renamed.yaml"].map(
        async (plan) => (await box.json<OutputOf<"plans.check">>(["plan", "check", plan])).plan_hash,
      ),
    );

    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });
});
