/** What every machine must do with a command: something that runs where it is called, without a tree and a slot. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import type { StartRequest } from "../machine-port.js";
import { type Bench, commandFor, exitOf, firstOutput, logOf } from "./machine-bench.js";

/** Starts a command and waits for its exit record. */
async function run({ machine, dir }: Bench, argv: readonly string[], changes: Partial<StartRequest> = {}) {
  const request = commandFor(dir, argv, changes);
  await machine.start(request);
  return { request, exit: await exitOf(machine, request) };
}

export function describeCommands(bench: () => Bench): void {
  it("runs a command in the directory that was named, with its arguments as they are", async () => {
    const directory = join(bench().dir, "a directory");
    await mkdir(directory);
    const argv = ["sh", "-c", 'pwd; printf "<%s>" "$@"; exit 9', "x", "a b", "", "it's", "-x"];
    const { request, exit } = await run(bench(), argv, { command: { directory, input: null } });
    expect(exit).toMatchObject({ code: 9, reason: "exited" });
    expect((await logOf(bench().machine, request)).toString()).toBe(`${directory}\n<a b><><it's><-x>`);
  });

  it("passes a stream to a command, byte for byte and to its end", async () => {
    const input = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 256));
    const command = { directory: bench().dir, input: Readable.from([input.subarray(0, 7), input.subarray(7)]) };
    const { request } = await run(bench(), ["tee"], { command });
    expect((await logOf(bench().machine, request)).equals(input)).toBe(true);
  });

  it("gives a command nothing to read when there is nothing", async () => {
    const { request, exit } = await run(bench(), ["tee"]);
    expect(exit.code).toBe(0);
    expect((await logOf(bench().machine, request)).length).toBe(0);
  });

  it("records as a shell would that a command is not there, is no program, or has no directory", async () => {
    await writeFile(join(bench().dir, "plain"), "no", { mode: 0o600 });
    const nothing = { started: null };
    expect((await run(bench(), ["no-such-command"])).exit).toMatchObject({
      code: 127,
      reason: "command_missing",
      ...nothing,
    });
    expect((await run(bench(), ["claim"])).exit).toMatchObject({ code: 127, reason: "command_missing", ...nothing });
    expect((await run(bench(), ["./plain"])).exit).toMatchObject({
      code: 126,
      reason: "command_not_executable",
      ...nothing,
    });
    const command = { directory: join(bench().dir, "nowhere"), input: null };
    expect((await run(bench(), ["true"], { command })).exit).toMatchObject({ code: null, reason: "directory_missing" });
  });

  it("signals the program's group without ending the attempt, and nobody once it has ended", async () => {
    const { machine, dir } = bench();
    const script = "trap 'echo heard; exit 4' INT; echo up; while :; do sleep 0.05; done";
    const request = commandFor(dir, ["sh", "-c", script]);
    await machine.start(request);
    await firstOutput(machine, request);
    expect(await machine.signal(request, "INT")).toBe(true);
    expect(await exitOf(machine, request)).toMatchObject({ code: 4, reason: "exited" });
    expect(await machine.signal(request, "INT")).toBe(false);
    expect(await machine.signal({ runId: "nobody", attempt: 1 }, "INT")).toBe(false);
  });

  it("asks a program to end by the signal, and with the grace, that it was told first", async () => {
    const { machine, dir } = bench();
    const script = "trap '' TERM; trap 'echo told' USR1; echo up; while :; do sleep 0.05; done";
    const request = commandFor(dir, ["sh", "-c", script], { graceMs: 3_600_000 });
    await machine.start(request);
    await firstOutput(machine, request);
    await machine.cancel(request, { signal: "USR1", graceMs: 300 });
    await machine.cancel(request);
    expect(await exitOf(machine, request)).toMatchObject({ code: 137, reason: "cancelled" });
    expect((await logOf(machine, request)).toString()).toContain("told");
  });
}
