import { chmodSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

type Submitted = OutputOf<"runs.submit">;

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
  const machine = { slots: 8 };
  box.machines({ wide: machine });
});
afterAll(() => box.dispose());

const ID = /[0-9a-f]{8}-[0-9a-f-]{27}/;
const idIn = (text: string): string => ID.exec(text)?.[0] ?? "";
const detail = (id: string) => box.json<OutputOf<"runs.show">>(["runs", "show", id]);
const logOf = async (id: string) => (await box.cli(["runs", "logs", id])).stdout;

describe("`waybill run`", () => {
  it("prints the log byte for byte on stdout, one outcome line on stderr, and leaves with the work's code", async () => {
    const bytes = Buffer.from(Array.from({ length: 4_096 }, (_, i) => i % 256));
    box.work("raw", "cat raw.bin; echo to-stderr >&2; exit 17", { "raw.bin": bytes });
    const result = await box.cli(["run", "raw"]);

    expect(result.bytes).toEqual(Buffer.concat([bytes, Buffer.from("to-stderr\n")]));
    const [first, last, ...more] = result.stderr.trimEnd().split("\n");
    expect(more).toEqual([]);
    expect(first).toMatch(/^run [0-9a-f-]{36} on wide$/);
    expect(last).toMatch(/^✖ failed in .* · exit 17 · run [0-9a-f-]{36} on wide$/);
    expect(result.code).toBe(17);
  });

  it("leaves with 0 when the work completed and names the artifacts", async () => {
    box.work("leaves", 'echo kept > "$WAYBILL_ARTIFACTS_DIR/report.txt"');
    const result = await box.cli(["run", "leaves"]);

    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/✔ completed in .* · exit 0 · run .* · artifacts \S+\/artifacts\n$/);
  });

  it("prints nothing but the id with --detach, and the run goes on", async () => {
    const gate = gateIn(box, "detached");
    box.work("detached", gate.script);
    const { stdout, stderr, code } = await box.cli(["run", "detached", "--detach"]);

    expect([stdout, stderr, code]).toEqual([`${idIn(stdout)}\n`, "", 0]);
    await gate.reached();
    expect(await detail(idIn(stdout))).toMatchObject({ status: "running", detached: true });
    gate.open();
    expect((await box.cli(["runs", "wait", idIn(stdout)])).code).toBe(0);
  });

  it("gives what comes after -- to the entrypoint as it is", async () => {
    box.work("arguments", `for a in "$@"; do printf '<%s>' "$a"; done`);
    const given = ["--json", "-x", "two words", 'quote\'d "twice"', "$HOME", "*", "", "line\nbreak", "ünïcode"];
    const result = await box.cli(["run", "arguments", "--", ...given]);

    expect(result.stdout).toBe(given.map((a) => `<${a}>`).join(""));
  });

  it("gives values by --env NAME=VALUE and takes them from the environment by --env NAME", async () => {
    box.work("variables", `printf '%s|%s|%s' "$GIVEN" "$TAKEN" "$EMPTY"`);
    const flags = ["--env", "GIVEN=a=b c", "--env", "TAKEN", "--env", "EMPTY="];
    const result = await box.cli(["run", "variables", ...flags], { env: { TAKEN: "from here\n$x" } });

    expect(result.stdout).toBe("a=b c|from here\n$x|");
    expect((await detail(idIn(result.stderr))).env_names).toEqual(["EMPTY", "GIVEN", "TAKEN"]);
  });

  it("tells the program who it is", async () => {
    box.work("told", 'echo "$WAYBILL_RUN_ID $WAYBILL_ATTEMPT $WAYBILL_MACHINE"; test -d "$WAYBILL_ARTIFACTS_DIR"');
    const result = await box.cli(["run", "told"]);

    expect(result.stdout).toBe(`${idIn(result.stderr)} 1 wide\n`);
    expect(result.code).toBe(0);
  });

  it("executes another entrypoint, and one without the execute bit", async () => {
    const dir = box.work("entrypoints", "echo default", { "sub/other.sh": "echo other" });
    chmodSync(`${dir}/run.sh`, 0o644);
    const [plain, other] = await Promise.all([
      box.cli(["run", "entrypoints"]),
      box.cli(["run", "entrypoints", "--entrypoint", "sub/other.sh"]),
    ]);

    expect([plain.stdout, plain.code, other.stdout, other.code]).toEqual(["default\n", 0, "other\n", 0]);
  });

  it("keeps ref and labels, with the directory's name as the default ref", async () => {
    box.work("labelled", "exit 0");
    const named = await box.json<Submitted>([
      "run",
      "labelled",
      "--ref",
      "nightly",
      "--label",
      "a=1",
      "--label",
      "b=x=y",
    ]);
    const plain = await box.json<Submitted>(["run", "labelled", "--new"]);

    expect(named.run).toMatchObject({ ref: "nightly", labels: { a: "1", b: "x=y" } });
    expect(plain.run).toMatchObject({ ref: "labelled" });
    expect(plain.run).not.toHaveProperty("labels");
  });
});

describe("the same directory again", () => {
  it("attaches to the run while it goes on, is a new run afterwards, and the finished one with --reuse", async () => {
    const gate = gateIn(box, "same");
    box.work("same", `echo begun; ${gate.script}`);
    const first = box.spawnCli(["run", "same"]);
    await gate.reached();
    const second = box.spawnCli(["run", "same"]);
    await second.says(/attached to run/);
    gate.open();
    const [a, b] = await Promise.all([first.ended, second.ended]);

    expect(idIn(b.stderr)).toBe(idIn(a.stderr));
    expect([a.stdout, b.stdout, a.code, b.code]).toEqual(["begun\n", "begun\n", 0, 0]);

    const reused = await box.json<Submitted>(["run", "same", "--reuse"]);
    expect([reused.outcome, reused.run.id]).toEqual(["finished", idIn(a.stderr)]);
    const again = await box.json<Submitted>(["run", "same"]);
    expect(again.outcome).toBe("created");
    expect(again.run.id).not.toBe(idIn(a.stderr));
  });

  it("starts beside itself with --new", async () => {
    const gate = gateIn(box, "beside");
    box.work("beside", gate.script);
    const one = await box.json<Submitted>(["run", "beside", "--detach"]);
    const two = await box.json<Submitted>(["run", "beside", "--detach", "--new"]);
    gate.open();

    expect([one.outcome, two.outcome]).toEqual(["created", "created"]);
    expect(two.run.id).not.toBe(one.run.id);
    expect((await box.cli(["runs", "wait", one.run.id, two.run.id])).code).toBe(0);
  });

  it("is not reused when it failed, when an argument differs, or when a variable differs", async () => {
    box.work("reused", "exit $1");
    const failed = await box.json<Submitted>(["run", "reused", "--", "1"]);
    const outcomes = [];
    for (const args of [[], ["--env", "A=1"], ["--env", "A=2"], ["--env", "A=1"]]) {
      outcomes.push((await box.json<Submitted>(["run", "reused", "--reuse", ...args])).outcome);
    }
    const retried = await box.json<Submitted>(["run", "reused", "--reuse", "--", "1"]);

    expect(outcomes).toEqual(["created", "created", "created", "finished"]);
    expect(retried.outcome).toBe("created");
    expect(retried.run.id).not.toBe(failed.run.id);
  });

  it("shows the log of what it reuses where it is asked for", async () => {
    box.work("shown", "echo once");
    const { run } = await box.json<Submitted>(["run", "shown"]);

    expect(await logOf(run.id)).toBe("once\n");
  });
});
