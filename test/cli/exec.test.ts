/** `waybill exec` is the command itself, to whoever looks at its input, its output and its code; and it is on record. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { gateIn } from "../crash/gate.js";
import { builtCli } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { processesWith } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { onTerminal } from "../harness/terminal.js";
import { until } from "../harness/until.js";

type Runs = OutputOf<"runs.list">;

const box = perTest(createSandbox);

const exec = (...argv: string[]) => box.cli(["exec", "--", ...argv]);
const sh = (script: string) => exec("sh", "-c", script);
const listed = async () => (await box.json<Runs>(["runs", "list", "--kind", "command"])).runs;

describe("the exit code", { timeout: 60_000 }, () => {
  it.each([
    ["exit 0", 0, { status: "completed", signal: null, error_code: null }],
    ["exit 7", 7, { status: "failed", signal: null, error_code: "nonzero_exit" }],
    ["kill -KILL $$", 137, { status: "failed", signal: 9, error_code: "nonzero_exit" }],
    ["kill -TERM $$", 143, { status: "failed", signal: 15, error_code: "nonzero_exit" }],
  ])("of `%s` is the program's own", async (script, code, record) => {
    expect(await sh(script)).toMatchObject({ code, stdout: "", stderr: "" });
    expect(await listed()).toMatchObject([
      { ref: "sh", exit_code: code, machine: "local", test_dir: box.dir, ...record },
    ]);
  });

  it("is that of a shell for a command that is not there, or cannot be executed", async () => {
    writeFileSync(box.path("plain"), "echo no\n", { mode: 0o644 });
    for (const [command, code] of [
      ["no-such-command", 127],
      ["./no/such/file", 127],
      ["./plain", 126],
      [box.dir, 126],
    ] as const) {
      expect(await exec(command)).toMatchObject({ code, stdout: "", stderr: expect.stringContaining("spawn_failed") });
      expect((await listed())[0]).toMatchObject({
        status: "failed",
        exit_code: code,
        error_code: "spawn_failed",
        started_at: null,
      });
    }
  });

  it("is 124 when the time limit ends the command", async () => {
    const { code, stderr } = await box.cli(["exec", "--timeout", "300ms", "--grace", "100ms", "--", "sleep", "600"]);
    expect({ code, stderr }).toEqual({ code: 124, stderr: expect.stringContaining("longer than its limit of 300 ms") });
  });
});

describe("arguments", { timeout: 60_000 }, () => {
  it("reach the program as they are, those that look like flags of ours too", async () => {
    const args = ["a b", "", "it's", "--json", "-x", "*", "$HOME", "two\nlines", "--"];
    const { stdout } = await exec("printf", "<%s>\n", ...args);
    expect(stdout).toBe(args.map((arg) => `<${arg}>\n`).join(""));
  });

  it("may be one command line for sh", async () => {
    expect(await box.cli(["exec", "--shell", "printf 'b\\na\\n' | sort"])).toMatchObject({ code: 0, stdout: "a\nb\n" });
    expect(await box.cli(["exec", "--shell", "--", "echo", "two"])).toMatchObject({ code: 2, stdout: "" });
  });

  it("name a directory that is there, or nothing is recorded", async () => {
    mkdirSync(box.path("below"));
    expect(await box.cli(["exec", "--cwd", "below", "--", "pwd"])).toMatchObject({ stdout: `${box.path("below")}\n` });
    const refused = await box.cli(["exec", "--cwd", "nowhere", "--", "pwd"]);
    expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("ENOENT") });
    expect(await listed()).toHaveLength(1);
  });

  it("are labels, a name and variables", async () => {
    const run = ["exec", "--ref", "nightly", "--label", "team=blue", "--env", "LEVEL=2", "--", "printenv", "LEVEL"];
    expect(await box.cli(run)).toMatchObject({ code: 0, stdout: "2\n" });
    expect(await listed()).toMatchObject([{ ref: "nightly", labels: { team: "blue" } }]);
  });
});

describe("standard input", { timeout: 60_000 }, () => {
  it("is the caller's, byte for byte, up to its end", async () => {
    const input = randomBytes(5_000_000);
    const { bytes, code } = await box.cli(["exec", "--", "cat"], { input });
    expect(code).toBe(0);
    expect(bytes.equals(input)).toBe(true);
  });

  it("may be left unread", async () => {
    expect(await box.cli(["exec", "--", "echo", "done"], { input: randomBytes(5_000_000) })).toMatchObject({
      code: 0,
      stdout: "done\n",
    });
  });

  it("is empty for a detached command", async () => {
    const { stdout } = await box.cli(["exec", "--detach", "--", "cat"], { input: "unread" });
    expect(await box.cli(["runs", "attach", stdout.trim()])).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("output", { timeout: 120_000 }, () => {
  it("is one log, stdout and stderr in the order of their writing", async () => {
    const { stdout } = await sh("for i in 1 2 3; do echo out$i; echo err$i >&2; done");
    expect(stdout).toBe("out1\nerr1\nout2\nerr2\nout3\nerr3\n");
    const [run] = await listed();
    expect(await box.cli(["runs", "logs", run?.id ?? ""])).toMatchObject({ stdout });
  });

  it("of 300 MB does not fill the memory", async () => {
    const gate = gateIn(box);
    const size = 300_000_000;
    const argv = ["exec", "--", "sh", "-c", `head -c ${size} /dev/zero; ${gate.wait}`];
    const child = spawn(process.execPath, [builtCli(), ...argv], {
      env: box.env,
      cwd: box.dir,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let seen = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.length;
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    await until("all of it was printed", () => seen === size);
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
    gate.open();
    expect(await ended).toBe(0);
    expect(Number(peak)).toBeGreaterThan(0);
    expect(Number(peak)).toBeLessThan(180_000);
  });

  it("may be closed by the program long before its end", async () => {
    expect(await sh("echo first; exec >&- 2>&-; sleep 0.2; exit 3")).toMatchObject({ code: 3, stdout: "first\n" });
  });

  it("with --json is one value, and the log goes beside it", async () => {
    const { stdout, stderr } = await box.cli(["exec", "--json", "--", "echo", "hello"]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, data: { run: { status: "completed", kind: "command" } } });
    expect(stderr).toBe("hello\n");
  });

  it("ends with the program, and so does what it left behind", async () => {
    expect(await sh("(setsid sleep 600 >/dev/null 2>&1 &) ; echo up")).toMatchObject({ code: 0, stdout: "up\n" });
    const [run] = await listed();
    expect(run).toMatchObject({ status: "completed" });
    expect(processesWith(`WAYBILL_RUN_ID=${run?.id}`)).toEqual([]);
  });
});

describe("a detached command", { timeout: 60_000 }, () => {
  it("that ends at once is on record when its id is printed", async () => {
    const { stdout, code } = await box.cli(["exec", "--detach", "--", "true"]);
    expect(code).toBe(0);
    const id = stdout.trim();
    expect(await box.json(["runs", "show", id])).toMatchObject({ detached: true, status: /running|completed/ });
    expect(await box.cli(["runs", "wait", id])).toMatchObject({ code: 0 });
    expect(await listed()).toMatchObject([{ id, status: "completed", exit_code: 0 }]);
  });

  it("is listed, followed, waited for with its code, and removed like any run", async () => {
    const gate = gateIn(box);
    const started = await box.cli(["exec", "--detach", "--", "sh", "-c", `echo up; ${gate.wait}; exit 9`]);
    const id = started.stdout.trim();
    expect(await listed()).toMatchObject([{ id, status: "running", kind: "command" }]);
    const following = box.spawnCli(["runs", "logs", id, "--follow"]);
    await following.says(/up/);
    expect((await box.cli(["runs", "rm", id])).code).toBe(4);
    gate.open();
    expect((await box.cli(["runs", "wait", id])).code).toBe(9);
    expect(await following.ended).toMatchObject({ code: 0, stdout: "up\n" });
    expect(await box.cli(["runs", "attach", id])).toMatchObject({ code: 9, stdout: "up\n" });
    expect((await box.cli(["runs", "rm", id])).code).toBe(0);
    expect(await listed()).toEqual([]);
  });

  it("takes no slot from the machine's runs, nor its turn from a run that waits", async () => {
    const gate = gateIn(box);
    const commands = [1, 2].map(() => box.cli(["exec", "--detach", "--", "sh", "-c", gate.wait]));
    const [first] = await Promise.all(commands);
    expect(await box.cli(["run", box.work("unit", "echo ran"), "--queue"])).toMatchObject({ code: 0, stdout: "ran\n" });
    expect(await box.json(["machines", "show", "local"])).toMatchObject({ status: "idle" });
    expect(await box.cli(["why", first?.stdout.trim() ?? ""])).toMatchObject({
      stdout: expect.stringContaining("running"),
    });
    gate.open();
  });
});

describe("a command inside a command", { timeout: 60_000 }, () => {
  const cli = () => `'${process.execPath}' '${builtCli()}'`;

  it("is a run of its own whose parent is the other, and leaves the other's record alone", async () => {
    expect(await sh(`${cli()} exec -- sh -c 'exit 5'; echo "inner $?"`)).toMatchObject({
      code: 0,
      stdout: "inner 5\n",
    });
    const [inner, outer] = await listed();
    expect(inner).toMatchObject({ parent_run_id: outer?.id, status: "failed", exit_code: 5 });
    expect(outer).toMatchObject({ status: "completed", exit_code: 0, attempt: 1 });
    expect(outer).not.toHaveProperty("parent_run_id");
  });

  it("sees the variables of the other, and two of one name have each their own", async () => {
    const gate = gateIn(box);
    const script = (value: string) =>
      `${cli()} vars set who ${value}; echo set; ${gate.wait}; ${cli()} exec -- sh -c "${cli()} vars get who"`;
    const both = ["one", "two"].map((value) =>
      box.spawnCli(["exec", "--ref", "same", "--", "sh", "-c", script(value)]),
    );
    for (const live of both) await live.says(/set/);
    gate.open();
    const said = await Promise.all(both.map(async (live) => (await live.ended).stdout));
    expect(said).toEqual(["set\none\n", "set\ntwo\n"]);
  });
});

describe("a terminal", { timeout: 60_000 }, () => {
  it("is given by --tty, and what is shown there is kept", async () => {
    const run = await box.cli(["exec", "--tty", "--", "sh", "-c", 'test -t 1 && echo "it\'s one"; exit 4']);
    expect(run).toMatchObject({ code: 4, stdout: "it's one\r\n" });
    const [{ id } = { id: "" }] = await listed();
    expect(await box.cli(["runs", "logs", id])).toMatchObject({ stdout: "it's one\r\n" });
  });

  it("is refused where nothing makes one", async () => {
    const refused = await box.cli(["exec", "--tty", "--", "true"], { env: { PATH: "/nowhere" } });
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining("bsdutils") });
    expect(existsSync(box.path("home/waybill.db")) ? await listed() : []).toEqual([]);
  });

  it("that looks on makes programs colour what they write, unless it is said otherwise", async () => {
    const { NO_COLOR: _, ...env } = box.env;
    const asked = async (changes: Record<string, string>) => {
      const live = onTerminal(box, "exec -- sh -c 'echo [$FORCE_COLOR$CLICOLOR_FORCE]'", {
        env: { ...env, ...changes },
      });
      await live.ended;
      return live.said();
    };
    expect(await asked({})).toContain("[11]");
    expect(await asked({ FORCE_COLOR: "3" })).toContain("[31]");
    expect(await asked({ NO_COLOR: "1" })).toContain("[]");
    expect((await box.cli(["exec", "--", "sh", "-c", "echo [$FORCE_COLOR]"], { env: { NO_COLOR: "" } })).stdout).toBe(
      "[]\n",
    );
  });

  it("is passed on to a program that reads it", async () => {
    const { NO_COLOR: _, ...env } = box.env;
    const live = onTerminal(box, "exec -- sh -c 'read -r word; echo got $word'", { env });
    live.type("typed\n");
    await live.says("got typed");
    expect(await live.ended).toBe(0);
  });
});
