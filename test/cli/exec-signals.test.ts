/** What signals do to `waybill exec`, to the command, and to what the command has started. */
import { describe, expect, it } from "vitest";
import type { OutputOf, RunView } from "../../src/index.js";
import { gateIn } from "../crash/gate.js";
import { builtCli } from "../harness/built-cli.js";
import type { LiveCli } from "../harness/cli-process.js";
import { perTest } from "../harness/per-test.js";
import { processesWith, signal } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { onTerminal } from "../harness/terminal.js";
import { until } from "../harness/until.js";

const box = perTest(createSandbox);

const listed = async (): Promise<readonly RunView[]> => {
  const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list", "--kind", "command"]);
  return runs;
};
const newest = async (): Promise<string> => (await listed())[0]?.id ?? "";
const descendants = (id: string) => processesWith(`WAYBILL_RUN_ID=${id}`);

/** Starts a script in the foreground, and waits until it says that it is up. */
async function up(script: string, ...flags: string[]): Promise<LiveCli> {
  const live = box.spawnCli(["exec", ...flags, "--", "sh", "-c", script]);
  await live.says(/up/);
  return live;
}

/** Waits without a child that a signal could end in its place. */
const WAIT = "while :; do sleep 0.05; done";

describe("Ctrl-C", { timeout: 60_000 }, () => {
  it("is INT to the program, which may end as it likes", async () => {
    const live = await up(`trap 'echo caught; exit 3' INT; echo up; ${WAIT}`);
    live.kill("SIGINT");
    expect(await live.ended).toMatchObject({ code: 3, stdout: expect.stringContaining("caught"), stderr: "" });
    expect(await listed()).toMatchObject([{ status: "failed", exit_code: 3, cancel_requested_at: null }]);
  });

  it("ends a program that does not mind it, with the code of a shell", async () => {
    const live = await up(`echo up; ${WAIT}`);
    live.kill("SIGINT");
    expect(await live.ended).toMatchObject({ code: 130 });
    expect(await listed()).toMatchObject([{ status: "failed", exit_code: 130, signal: 2 }]);
  });

  it("reaches the whole group of the program, not only its leader", async () => {
    const child = `trap 'echo child; exit' INT; echo up; ${WAIT}`;
    const live = await up(`trap 'echo leader' INT; sh -c "${child}"; echo done`);
    live.kill("SIGINT");
    const { code, stdout } = await live.ended;
    expect({ code, said: stdout.match(/child|leader|done/g)?.sort() }).toEqual({
      code: 0,
      said: ["child", "done", "leader"],
    });
  });

  it("pressed again cancels, with the grace period and the kill", async () => {
    const live = await up(`trap 'echo ignored' INT; trap '' TERM; echo up; ${WAIT}`, "--grace", "300ms");
    live.kill("SIGINT");
    await live.says(/ignored/);
    live.kill("SIGINT");
    expect(await live.ended).toMatchObject({ code: 130, stderr: expect.stringContaining("cancelling") });
    const [run] = await listed();
    expect(run).toMatchObject({ status: "interrupted", error_code: "cancelled", exit_code: 137 });
    expect(descendants(run?.id ?? "")).toEqual([]);
  });

  it("reaches a command inside the command", async () => {
    const inner = `'${process.execPath}' '${builtCli()}' exec -- sh -c "trap 'exit 6' INT; echo up; ${WAIT}"`;
    const live = await up(`trap 'echo outer' INT; ${inner}; echo "inner $?"`);
    live.kill("SIGINT");
    expect((await live.ended).stdout).toContain("inner 6");
  });
});

describe("on a terminal", { timeout: 60_000 }, () => {
  it("Ctrl-C reaches the program as INT", async () => {
    const live = onTerminal(box, `exec -- sh -c "trap 'echo caught; exit 3' INT; echo up; ${WAIT}"`);
    await live.says("up");
    live.type("\u0003");
    expect(await live.ended).toBe(3);
    expect(live.said()).toContain("caught");
  });

  it("that the program has for its own, Ctrl-C goes through that", async () => {
    const live = onTerminal(box, `exec --tty -- sh -c "trap 'echo caught; exit 3' INT; test -t 0 && echo up; ${WAIT}"`);
    await live.says("up");
    live.type("\u0003");
    expect(await live.ended).toBe(3);
    expect(live.said()).toContain("caught");
  });

  it("a caller that is told to leave leaves, and gives the terminal back", async () => {
    const gate = gateIn(box);
    const live = onTerminal(box, `exec -- sh -c "echo up; ${gate.wait}; exit 4"`);
    await live.says("up");
    const id = await newest();
    const callers = processesWith(box.dir).filter(({ command }) => command.startsWith(`${process.execPath} `));
    for (const { pid } of callers) signal(pid, "SIGTERM");
    expect(await live.ended).toBe(130);
    expect(await listed()).toMatchObject([{ id, status: "running" }]);
    gate.open();
    expect((await box.cli(["runs", "wait", id])).code).toBe(4);
  });
});

describe("a caller that is told to leave", { timeout: 60_000 }, () => {
  it.each(["SIGTERM", "SIGHUP"] as const)("by %s leaves the program running under its supervisor", async (name) => {
    const gate = gateIn(box);
    const live = await up(`echo up; ${gate.wait}; echo end; exit 8`);
    const id = await newest();
    live.kill(name);
    expect(await live.ended).toMatchObject({ code: 130, stderr: expect.stringContaining("left running") });
    expect(await listed()).toMatchObject([{ id, status: "running" }]);
    const attached = box.spawnCli(["runs", "attach", id]);
    await attached.says(/up/);
    gate.open();
    expect(await attached.ended).toMatchObject({ code: 8, stdout: "up\nend\n" });
    expect(await listed()).toMatchObject([{ id, status: "failed", exit_code: 8 }]);
  });
});

describe("`runs cancel`", { timeout: 60_000 }, () => {
  it("sends the signal that it is told to first, to the whole group", async () => {
    const child = `(trap 'echo child; exit' USR1; ${WAIT}) &`;
    const live = await up(`${child} trap 'wait; echo leader; exit 2' USR1; sleep 0.2; echo up; ${WAIT}`);
    const id = await newest();
    expect(await box.cli(["runs", "cancel", id, "--signal", "USR1"])).toMatchObject({ code: 0 });
    expect(await live.ended).toMatchObject({ code: 130, stdout: expect.stringMatching(/child(.|\n)*leader/) });
    expect(await listed()).toMatchObject([{ status: "interrupted", error_code: "cancelled", exit_code: 2 }]);
  });

  it("waits as long as it is told to, not as long as the run was", async () => {
    const live = await up(`trap '' TERM; echo up; ${WAIT}`, "--grace", "1h");
    const id = await newest();
    expect(await box.cli(["runs", "cancel", id, "--grace", "200ms"])).toMatchObject({ code: 0 });
    expect(await live.ended).toMatchObject({ code: 130 });
    expect(await listed()).toMatchObject([{ status: "interrupted", exit_code: 137 }]);
  });

  it("refuses a signal that there is not", async () => {
    expect(await box.cli(["runs", "cancel", "0", "--signal", "NOPE"])).toMatchObject({ code: 2 });
  });

  it("leaves a command alone that the program has detached", async () => {
    const gate = gateIn(box);
    const nested = `'${process.execPath}' '${builtCli()}' exec --detach -- sh -c "${gate.wait}; exit 5"`;
    const live = await up(`${nested}; echo up; sleep 600; :`);
    const [inner, outer] = await listed();
    expect(await box.cli(["runs", "cancel", outer?.id ?? ""])).toMatchObject({ code: 0 });
    await live.ended;
    expect((await listed())[0]).toMatchObject({ id: inner?.id, status: "running", parent_run_id: outer?.id });
    gate.open();
    expect((await box.cli(["runs", "wait", inner?.id ?? ""])).code).toBe(5);
  });

  it("leaves nothing alive of the program, of what fled from it, and of the commands that it called", async () => {
    const nested = `'${process.execPath}' '${builtCli()}' exec -- sh -c 'echo up; sleep 600; :'`;
    const live = await up(`(setsid sh -c 'trap "" TERM; sleep 600 & sleep 600' &) ; ${nested}`, "--grace", "300ms");
    const [inner, outer] = await listed();
    await until("what fled is up", () => descendants(outer?.id ?? "").length >= 4);
    expect(await box.cli(["runs", "cancel", outer?.id ?? ""])).toMatchObject({ code: 0 });
    await live.ended;
    expect(descendants(outer?.id ?? "")).toEqual([]);
    expect(descendants(inner?.id ?? "")).toEqual([]);
    expect(await listed()).toMatchObject([
      { id: inner?.id, status: "interrupted", error_code: "cancelled" },
      { id: outer?.id, status: "interrupted", error_code: "cancelled" },
    ]);
  });
});
