/** What every machine must do, by whatever it is reached. A transport's tests call `describeMachine`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Machine } from "../machine-port.js";
import { describeCommands } from "./command-facts.js";
import {
  type Bench,
  begin,
  exitOf,
  firstOutput,
  freshDir,
  logOf,
  removeDir,
  requestFor,
  runToEnd,
  treeOf,
} from "./machine-bench.js";

export interface MachineUnderTest {
  /** A machine with `slots` slots that keeps everything below `dir`. */
  readonly create: (dir: string, slots: number) => Machine;
}

/** Long enough for what starts several processes on a busy machine. */
const SLOW = 60_000;

/** Declares the suite for one transport. */
export function describeMachine(name: string, { create }: MachineUnderTest): void {
  describe(name, { timeout: SLOW }, () => {
    let dir = "";
    let bench: Bench;
    beforeAll(async () => {
      dir = await freshDir();
      bench = { machine: create(join(dir, "the machine"), 4), dir };
    });
    afterAll(() => removeDir(dir));

    describeRecords(() => bench);
    describeLimits(() => bench);
    describeLogs(() => bench);
    describeSlots((slots) => ({ machine: create(join(dir, `slots-${slots}`), slots), dir }));
    describeArtifacts(() => bench);
    describeCommands(() => bench);
  });
}

function describeRecords(bench: () => Bench): void {
  it("records the program's own exit code, its log and its identity", async () => {
    const script = 'echo "$WAYBILL_RUN_ID $WAYBILL_ATTEMPT $WAYBILL_FENCE $COLOUR $1"; exit 7';
    const { request, exit } = await runToEnd(bench(), script, { env: { COLOUR: "blue" }, args: ["a b'c"] });
    expect(exit).toMatchObject({ run: request.runId, attempt: 1, fence: 7, code: 7, reason: "exited" });
    const log = await logOf(bench().machine, request);
    expect(log.toString()).toBe(`${request.runId} 1 7 blue a b'c\n`);
    expect(exit.log_bytes).toBe(log.length);
    expect(exit.artifacts_manifest_hash).toBeNull();
  });

  it("answers a second start of an ended attempt from its records", async () => {
    const { request } = await runToEnd(bench(), "echo once");
    expect(await bench().machine.start(request)).toMatchObject({ state: "exit", exit: { code: 0 } });
    expect((await logOf(bench().machine, request)).toString()).toBe("once\n");
  });

  it("knows nothing of an attempt that nobody started", async () => {
    expect(await bench().machine.status({ runId: "nobody", attempt: 1 })).toEqual({ state: "absent" });
  });

  it("records that the entrypoint or the tree is missing, and executes nothing", async () => {
    const tree = await treeOf(bench().dir, "echo no");
    await bench().machine.prepare(tree);
    for (const entrypoint of ["other.sh", "../run.sh", "/bin/true", "."]) {
      const request = requestFor(tree, { entrypoint });
      expect(await bench().machine.start(request)).toMatchObject({
        exit: { reason: "entrypoint_missing", code: null, started: null },
      });
    }
    const request = requestFor({ ...tree, hash: "0".repeat(64) });
    expect(await bench().machine.start(request)).toMatchObject({ exit: { reason: "tree_missing", code: null } });
  });

  it("gives the program the PATH that was asked for, even one that leads nowhere", async () => {
    const { request, exit } = await runToEnd(bench(), 'echo "$PATH"', { env: { PATH: "/nowhere" } });
    expect(exit).toMatchObject({ code: 0, reason: "exited" });
    expect((await logOf(bench().machine, request)).toString()).toBe("/nowhere\n");
  });

  it("refuses to forget an attempt that runs", async () => {
    const { request } = await begin(bench(), "exec sleep 600");
    await expect(bench().machine.forget(request)).rejects.toMatchObject({ code: "invalid_state" });
    await bench().machine.cancel(request);
    await bench().machine.settled(request);
  });

  it("does not let the program inherit ignored signals or the machine's umask", async () => {
    const { request } = await runToEnd(bench(), "trap 'echo caught' INT; kill -INT $$; umask");
    const [caught, mask] = (await logOf(bench().machine, request)).toString().split("\n");
    expect(caught).toBe("caught");
    expect(Number.parseInt(mask ?? "", 8)).toBe(process.umask());
  });
}

function describeLimits(bench: () => Bench): void {
  it("ends a program that outlasts its time limit, also when it ignores TERM", async () => {
    const { exit } = await runToEnd(bench(), "trap '' TERM; while :; do sleep 1; done", {
      timeoutMs: 300,
      graceMs: 200,
    });
    expect(exit).toMatchObject({ reason: "timeout", code: 137 });
  });

  it("lets a program that is asked to end leave with its own code", async () => {
    const script = "exec 2>/dev/null; trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    const { request } = await begin(bench(), script, { graceMs: 20_000 });
    await firstOutput(bench().machine, request);
    await bench().machine.cancel(request);
    await bench().machine.cancel(request);
    expect(await exitOf(bench().machine, request)).toMatchObject({ reason: "cancelled", code: 5 });
    expect((await logOf(bench().machine, request)).toString()).toBe("up\nbye\n");
  });

  it("does not execute an attempt that was cancelled before its start", async () => {
    const tree = await treeOf(bench().dir, "echo no");
    await bench().machine.prepare(tree);
    const request = requestFor(tree);
    await bench().machine.cancel(request);
    expect(await bench().machine.start(request)).toMatchObject({ exit: { reason: "cancelled", code: null } });
  });

  it("ends a silent program and leaves a chatty one alone", async () => {
    const silent = await runToEnd(bench(), "echo first; exec sleep 60", { silenceMs: 500 });
    expect(silent.exit.reason).toBe("silence");
    const chatty = "i=0; while [ $i -lt 15 ]; do echo $i; sleep 0.2; i=$((i+1)); done";
    const { exit } = await runToEnd(bench(), chatty, { silenceMs: 2_000 });
    expect(exit).toMatchObject({ reason: "exited", code: 0 });
  });

  it("ends a program whose log outgrows its limit", async () => {
    const script = "while :; do echo 0123456789; sleep 0.01; done";
    const { exit } = await runToEnd(bench(), script, { logLimitBytes: 100 });
    expect(exit.reason).toBe("log_limit");
    expect(exit.log_bytes).toBeGreaterThan(100);
  });
}

function describeLogs(bench: () => Bench): void {
  it("gives the same bytes from any offset, live and afterwards", async () => {
    const script = "head -c 10485760 /dev/urandom; sleep 0.2; head -c 100 /dev/urandom";
    const { request } = await begin(bench(), script);
    const live = await logOf(bench().machine, request);
    expect(live.length).toBe(10_485_860);
    for (const offset of [0, 1, 65_535, 65_536, 5_000_000 + process.pid, live.length - 1, live.length]) {
      const rest = await logOf(bench().machine, request, offset);
      expect(rest.equals(live.subarray(offset))).toBe(true);
    }
  });

  it("follows from before the first byte", async () => {
    const tree = await treeOf(bench().dir, "sleep 0.3; printf late");
    await bench().machine.prepare(tree);
    const request = requestFor(tree);
    await bench().machine.start(request);
    expect((await logOf(bench().machine, request)).toString()).toBe("late");
  });

  it("ends with programs that print nothing, close their output, or leave a daemon behind", async () => {
    const silent = await runToEnd(bench(), "exit 0");
    expect((await logOf(bench().machine, silent.request)).length).toBe(0);
    const closed = await runToEnd(bench(), "exec >&- 2>&-; sleep 0.1; exit 3");
    expect(closed.exit.code).toBe(3);
    const daemon = await runToEnd(bench(), "sleep 600 & exit 0");
    expect(daemon.exit).toMatchObject({ code: 0, reason: "exited" });
  });
}

function describeSlots(create: (slots: number) => Bench): void {
  it("answers busy with the holder's run while a slot is taken, and starts when it is free", async () => {
    const bench = create(1);
    const first = await begin(bench, "exec sleep 600");
    expect(first.first.state).toBe("running");
    const tree = await treeOf(bench.dir, "echo mine");
    await bench.machine.prepare(tree);
    const second = requestFor(tree);
    expect(await bench.machine.start(second)).toEqual({ state: "busy", holder: first.request.runId });
    expect(await bench.machine.start(second)).toEqual({ state: "busy", holder: first.request.runId });
    await bench.machine.cancel(first.request);
    await bench.machine.settled(first.request);
    expect((await bench.machine.start(second)).state).not.toBe("busy");
    expect(await exitOf(bench.machine, second)).toMatchObject({ code: 0 });
  });

  it("holds as many runs at once as it has slots", async () => {
    const bench = create(2);
    const started = [await begin(bench, "exec sleep 601"), await begin(bench, "exec sleep 602")];
    expect(started.map((s) => s.first.state)).toEqual(["running", "running"]);
    expect((await begin(bench, "exec sleep 603")).first.state).toBe("busy");
    for (const { request } of started) {
      await bench.machine.cancel(request);
      await bench.machine.settled(request);
    }
  });
}

function describeArtifacts(bench: () => Bench): void {
  it("brings log and artifacts, and removes all but the records", async () => {
    const script = 'cd "$WAYBILL_ARTIFACTS_DIR"; mkdir d; echo one > "d/a b"; : > empty; ln -s d/a* link; echo done';
    const { request, exit } = await runToEnd(bench(), script);
    expect(exit.artifacts_manifest_hash).toMatch(/^[0-9a-f]{64}$/);
    const to = join(bench().dir, "collected");
    for (let round = 0; round < 2; round += 1) {
      const got = await bench().machine.collect(request, to);
      expect(got).toEqual({
        logPath: join(to, "log"),
        artifactsPath: join(to, "artifacts"),
        files: 2,
        bytes: 4,
        left: 0,
      });
    }
    expect(await readFile(join(to, "artifacts", "link"), "utf8")).toBe("one\n");
    expect(await readFile(join(to, "log"), "utf8")).toBe("done\n");
    await bench().machine.forget(request);
    await bench().machine.forget(request);
    expect(await bench().machine.collect(request, to)).toMatchObject({ files: 2, bytes: 4 });
    expect(await bench().machine.status(request)).toMatchObject({ state: "exit", exit: { code: 0 } });
    expect(await readFile(join(to, "artifacts", "d", "a b"), "utf8")).toBe("one\n");
  });

  it("brings the log alone when the program left nothing", async () => {
    const { request } = await runToEnd(bench(), "echo only");
    const to = join(bench().dir, "only");
    expect(await bench().machine.collect(request, to)).toMatchObject({ artifactsPath: null, files: 0, bytes: 0 });
  });

  it("finds itself fit", async () => {
    const findings = await bench().machine.check();
    expect(findings.filter((finding) => !finding.ok)).toEqual([]);
    expect(findings.length).toBeGreaterThan(3);
  });
}
