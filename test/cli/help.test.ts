import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/contracts/index.js";
import { builtCli } from "../harness/built-cli.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
});
afterAll(() => box.dispose());

const oneLine = (text: string): string => text.replace(/\s+/g, " ");

describe("help", () => {
  it("says of every command what it does, what each flag means, and shows the examples that are declared", async () => {
    for (const operation of OPERATIONS) {
      const { code, stdout, stderr } = await box.cli([...operation.command.split(" "), "--help"]);
      const text = oneLine(stdout);

      expect([code, stderr], operation.command).toEqual([0, ""]);
      expect(text).toContain(oneLine(operation.summary));
      for (const field of Object.keys(operation.input.shape)) expect(text).toContain(field.replaceAll("_", "-"));
      for (const [line, purpose] of operation.examples) expect(text).toContain(oneLine(`waybill ${line} ${purpose}`));
    }
  });

  it("describes the arguments that are given by position", async () => {
    expect(oneLine((await box.cli(["run", "--help"])).stdout)).toContain("dir directory to run");
  });

  it("lists the commands of the whole and of a group, and its own version", async () => {
    const [whole, group, version] = await Promise.all([
      box.cli(["--help"]),
      box.cli(["runs", "--help"]),
      box.cli(["--version"]),
    ]);

    for (const { command } of OPERATIONS)
      expect(whole.stdout).toMatch(new RegExp(`^ {2}${command.split(" ")[0]} `, "m"));
    expect(group.stdout).toMatch(/^ {2}artifacts .*<id>/m);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});

describe("a command line that is wrong", () => {
  const cases: readonly (readonly [readonly string[], RegExp, string])[] = [
    [["rums"], /unknown command 'rums'\n\(Did you mean runs\?\)/, "waybill --help"],
    [["runs", "lst"], /unknown command 'lst'\n\(Did you mean list\?\)/, "waybill runs --help"],
    [["batch", "rnu", "plan.yaml"], /unknown command 'rnu'\n\(Did you mean run\?\)/, "waybill batch --help"],
    [["run", "x", "--detatch"], /unknown option '--detatch'\n\(Did you mean --detach\?\)/, "waybill run --help"],
    [
      ["runs", "list", "--statsu", "failed"],
      /unknown option '--statsu'\n\(Did you mean --status\?\)/,
      "waybill runs list --help",
    ],
    [["run"], /missing required argument 'dir'/, "waybill run --help"],
    [["runs", "show"], /missing required argument 'id'/, "waybill runs show --help"],
    [["runs", "show", "a", "b"], /too many arguments/, "waybill runs show --help"],
    [["batch", "run", "p.yaml"], /'--staging <value>' not specified/, "waybill batch run --help"],
    [["runs", "list", "--status", "sad"], /'sad' is invalid.*pending, running/, "waybill runs list --help"],
  ];

  it.each(cases)("`%j` is told the nearest and where to look, with exit 2", async (args, message, hint) => {
    const { code, stdout, stderr } = await box.cli(args);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(`\`${hint}\``);
  });

  it("shows the help of a group that is named alone", async () => {
    const { code, stdout, stderr } = await box.cli(["runs"]);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: waybill runs");
  });
});

function firstLineOf(command: string) {
  const script = `set -o pipefail; "$1" "$2" ${command} | head -1 > /dev/null`;
  const args = ["-c", script, "bash", process.execPath, builtCli()];
  return promisify(execFile)("bash", args, { env: { ...box.env }, timeout: 60_000 });
}

describe("a reader that has seen enough", () => {
  it("ends the command without a complaint", async () => {
    box.work("long", "seq 1 200000");
    const first = await box.cli(["run", "long"]);
    expect(first.stderr.trimEnd().split("\n")).toHaveLength(2);
    const [, id = ""] = /run (\S+) on local/.exec(first.stderr) ?? [];
    for (const command of [`runs logs ${id}`, `runs logs ${id} --json`, "schema --json"]) {
      expect((await firstLineOf(command)).stderr, command).toBe("");
    }
  });

  it("ends `watch` at the next event", async () => {
    box.work("short", "echo");
    await box.cli(["run", "short"]);
    let ended = false;
    const watching = firstLineOf("watch --after 0").finally(() => {
      ended = true;
    });
    // Whether the reader has gone is known when something is written, and not before: as with `tail -f`.
    while (!ended) await box.cli(["run", "short"]);

    expect((await watching).stderr).toBe("");
  });
});
