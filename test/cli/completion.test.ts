import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

let box: Sandbox;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  box = createSandbox();
  for (const shell of ["bash", "zsh", "fish"]) {
    scripts[shell] = box.path(`completion.${shell}`);
    writeFileSync(scripts[shell], (await box.cli(["completion", shell])).stdout);
  }
});
afterAll(() => box.dispose());

/** What bash offers when TAB is pressed at the end of the words. */
function completeInBash(...words: string[]): string[] {
  const program = `source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
    spec=$(complete -p waybill); fn=\${spec##*-F }; "\${fn%% *}" waybill "\${!#}" ""
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", program, "bash", scripts.bash ?? "", "waybill", ...words];
  return execFileSync("bash", args, { cwd: box.dir, encoding: "utf8" }).split("\n").filter(Boolean).sort();
}

/** The completions that fish itself computes for a command line. */
const completeInFish = (line: string): string[] =>
  execFileSync("fish", ["--no-config", "-c", `source ${scripts.fish}; complete -C '${line}'`], {
    cwd: box.dir,
    env: { PATH: process.env.PATH, HOME: box.dir },
    encoding: "utf8",
  })
    .split("\n")
    .map((row) => row.split("\t")[0] ?? "")
    .filter(Boolean)
    .sort();

describe("the completion of bash", () => {
  it("completes groups, commands, their subcommands, shells and flags", () => {
    expect(completeInBash("ba")).toEqual(["batch"]);
    expect(completeInBash("runs", "sh")).toEqual(["show"]);
    expect(completeInBash("run")).toEqual(["run", "runs"]);
    expect(completeInBash("batch", "")).toEqual(["cancel", "list", "run", "show", "watch"]);
    expect(completeInBash("completion", "")).toEqual(["bash", "fish", "zsh"]);
    expect(completeInBash("batch", "run", "--st")).toEqual(["--staging", "--store"]);
    expect(completeInBash("runs", "cancel", "--no")).toEqual(["--no-wait"]);
    expect(completeInBash("run", "--sil")).toEqual(["--silence-timeout"]);
    expect(completeInBash("tasks", "dis")).toEqual(["dispatch"]);
    expect(completeInBash("tasks", "dispatch", "")).toEqual(["parent", "worker"]);
    expect(completeInBash("tasks", "dispatch", "parent", "--worker-c")).toEqual(["--worker-claim-handoff"]);
  });

  it("completes flags after an argument, and files where a file is wanted", () => {
    writeFileSync(box.path("acceptance.yaml"), "");

    expect(completeInBash("run", "acceptance.yaml", "--det")).toEqual(["--detach"]);
    expect(completeInBash("batch", "run", "acc")).toEqual(["acceptance.yaml"]);
  });
});

describe("the completion of zsh and fish", () => {
  it.each(["zsh", "fish"])("is a script that %s takes without a complaint", (shell) => {
    const { status, stderr } = spawnSync(shell, ["-n", scripts[shell] ?? ""], { encoding: "utf8" });

    expect([status, stderr]).toEqual([0, ""]);
  });

  it("completes in fish what it completes in bash", () => {
    expect(completeInFish("waybill ba")).toEqual(["batch"]);
    expect(completeInFish("waybill runs sh")).toEqual(["show"]);
    expect(completeInFish("waybill batch run --st")).toContain("--staging");
    expect(completeInFish("waybill tasks dispatch w")).toEqual(["worker"]);
    expect(completeInFish("waybill tasks dispatch parent --worker-c")).toEqual(["--worker-claim-handoff"]);
  });

  it("defines the function in zsh once its completion system is loaded", () => {
    const program = `autoload -Uz compinit && compinit -u -D && source ${scripts.zsh} && whence -w _waybill`;
    const { stdout, stderr } = spawnSync("zsh", ["-f", "-c", program], {
      encoding: "utf8",
      env: { ...process.env, HOME: box.dir },
    });

    expect([stdout, stderr]).toEqual(["_waybill: function\n", ""]);
  });
});

describe("`completion`", () => {
  it("refuses a shell that it does not know and lists those that it does", async () => {
    const { code, stderr } = await box.cli(["completion", "tcsh"]);

    expect(code).toBe(2);
    expect(stderr).toContain("Known shells: bash, zsh, fish.");
  });
});
