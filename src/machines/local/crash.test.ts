/** What stays true when processes are really killed, records are torn and pids are used again. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AttemptKey, StartRecord } from "../../domain/machine.js";
import {
  type Bench,
  begin,
  exitOf,
  freshDir,
  removeDir,
  requestFor,
  treeOf,
  until,
} from "../conformance/machine-bench.js";
import { isRunning } from "../process-identity.js";
import { localMachine, localSpec, STANDARD_PATH, shellsToTry } from "./local-fixture.js";
import { createLocalMachine } from "./local-machine.js";
import { readStart } from "./observe-attempt.js";
import { runDirectory } from "./run-directory.js";

let dir = "";
let benches = 0;
let shell: readonly string[] = [];
beforeAll(async () => {
  dir = await freshDir();
});
afterAll(() => removeDir(dir));

const bench = (slots = 1): Bench => {
  benches += 1;
  return { machine: localMachine(join(dir, `machine-${benches}`), slots, { shell }), dir };
};

const filesOf = (b: Bench, key: AttemptKey) => runDirectory(b.machine.spec.workDir, key);

async function startOf(b: Bench, key: AttemptKey): Promise<StartRecord> {
  const start = await readStart(filesOf(b, key));
  if (start === null) throw new Error("expected a start record, found none");
  return start;
}

const programLives = (start: StartRecord): boolean => isRunning(start.boot, start.pid, start.pid_start);

async function killBoth(start: StartRecord): Promise<void> {
  process.kill(start.watchdog, "SIGKILL");
  process.kill(start.supervisor, "SIGKILL");
  await until("both are dead", () => !isRunning(start.boot, start.supervisor, start.supervisor_start));
}

describe.each(shellsToTry())("an attempt under $name", { timeout: 60_000 }, (tried) => {
  beforeAll(() => {
    shell = tried.shell;
  });
  it.skipIf(tried.skip)("runs its program once, whoever starts it and however often", async () => {
    const b = bench(4);
    const tree = await treeOf(dir, 'echo started >> "$1"');
    await b.machine.prepare(tree);
    for (let round = 0; round < 5; round += 1) {
      const proof = join(dir, `once-${benches}-${round}`);
      const request = requestFor(tree, { args: [proof] });
      const starters = Array.from({ length: 12 }, () =>
        localMachine(b.machine.spec.workDir, 4, { shell }).start(request),
      );
      for (const answer of await Promise.all(starters)) expect(["running", "exit"]).toContain(answer.state);
      expect(await exitOf(b.machine, request)).toMatchObject({ code: 0 });
      expect(await readFile(proof, "utf8")).toBe("started\n");
    }
  });

  it.skipIf(tried.skip)("gives a slot to one of twelve attempts that want it", async () => {
    const b = bench(1);
    const tree = await treeOf(dir, "exec sleep 600");
    await b.machine.prepare(tree);
    const requests = Array.from({ length: 12 }, () => requestFor(tree));
    const answers = await Promise.all(requests.map((request) => b.machine.start(request)));
    const running = requests.filter((_, i) => answers[i]?.state === "running");
    expect(running.length).toBe(1);
    expect(answers.filter((a) => a.state === "busy").length).toBe(11);
    for (const request of running) {
      await b.machine.cancel(request);
      await b.machine.settled(request);
    }
  });

  it.skipIf(tried.skip)("is recorded as supervisor_died by its watchdog when the supervisor is killed", async () => {
    const b = bench();
    const { request } = await begin(b, "exec sleep 600");
    const start = await startOf(b, request);
    process.kill(start.supervisor, "SIGKILL");
    expect(await exitOf(b.machine, request)).toMatchObject({ reason: "supervisor_died", code: null });
    expect(programLives(start)).toBe(false);
    const next = await until("the slot is given back", async () => {
      const again = await begin(b, "exit 0");
      return again.first.state === "busy" ? null : again.request;
    });
    expect(await exitOf(b.machine, next)).toMatchObject({ code: 0 });
  });

  it.skipIf(tried.skip)(
    "is lost when supervisor and watchdog are killed; reap ends its program and gives the slot back",
    async () => {
      const b = bench();
      const { request } = await begin(b, "sleep 600 & setsid sleep 600 & wait");
      const start = await startOf(b, request);
      await killBoth(start);
      expect(await b.machine.settled(request)).toMatchObject({ state: "lost", proof: "supervisor_died" });
      expect(programLives(start)).toBe(true);
      await b.machine.reap(request);
      await b.machine.reap(request);
      expect(programLives(start)).toBe(false);
      expect(await carriersOf(request.runId)).toEqual([]);
      const { request: next } = await begin(b, "exit 0");
      expect(await exitOf(b.machine, next)).toMatchObject({ code: 0 });
    },
  );

  it.skipIf(tried.skip)(
    "whose owners are dead is ended by the next run that takes its slot, without being reaped",
    async () => {
      const b = bench();
      const { request } = await begin(b, "exec sleep 600");
      const start = await startOf(b, request);
      await killBoth(start);
      const { request: next } = await begin(b, "exit 0");
      expect(await exitOf(b.machine, next)).toMatchObject({ code: 0 });
      expect(programLives(start)).toBe(false);
    },
  );

  it.skipIf(tried.skip)(
    "is lost to a reboot when the record's boot is not this one, and nothing is signalled",
    async () => {
      const b = bench();
      const { request } = await begin(b, "exec sleep 600");
      const start = await startOf(b, request);
      await killBoth(start);
      const record = filesOf(b, request).start;
      await writeFile(record, (await readFile(record, "utf8")).replaceAll(start.boot, "another-boot.1"));
      expect(await b.machine.status(request)).toMatchObject({ state: "lost", proof: "rebooted" });
      await b.machine.cancel(request);
      expect(programLives(start)).toBe(true);
      process.kill(start.pid, "SIGKILL");
    },
  );

  it.skipIf(tried.skip)("never signals a process that was given a recorded pid later", async () => {
    const b = bench();
    const { request } = await begin(b, "exec sleep 600");
    const start = await startOf(b, request);
    await killBoth(start);
    process.kill(start.pid, "SIGKILL");
    const stranger = await spawnStranger();
    const pid = stranger.pid ?? 0;
    const record = filesOf(b, request).start;
    const forged = { ...start, pid, supervisor: pid, watchdog: pid };
    await writeFile(record, `${JSON.stringify(forged)}\n`);
    await b.machine.cancel(request);
    await b.machine.reap(request);
    await begin(b, "exit 0");
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(process.kill(pid, 0)).toBe(true);
    stranger.kill("SIGKILL");
  });

  it.skipIf(tried.skip)("with a torn exit record has no exit record", async () => {
    const b = bench();
    const { request } = await begin(b, "exit 0");
    await b.machine.settled(request);
    const record = filesOf(b, request).exit;
    await writeFile(record, (await readFile(record, "utf8")).slice(0, 60));
    const start = await startOf(b, request);
    await until("its processes are gone", () => !isRunning(start.boot, start.supervisor, start.supervisor_start));
    await until("it is lost", async () => (await b.machine.status(request)).state === "lost");
  });

  it.skipIf(tried.skip)(
    "leaves no descendant when cancelled: not one that ignores TERM, forks twice, or leaves the session",
    async () => {
      const b = bench();
      const script = [
        "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' &",
        "(setsid sh -c 'trap \"\" TERM HUP; sleep 600 & sleep 600; :' &)",
        "sh -c 'sh -c \"sleep 600; :\"; :' &",
        "echo up; wait",
      ].join("\n");
      const { request } = await begin(b, script, { graceMs: 200 });
      await until("all are up", async () => (await carriersOf(request.runId)).length >= 7);
      await b.machine.cancel(request);
      expect(await exitOf(b.machine, request)).toMatchObject({ reason: "cancelled" });
      expect(await carriersOf(request.runId)).toEqual([]);
    },
  );

  it.skipIf(tried.skip)("that is told to stop by a signal alone is recorded as terminated", async () => {
    const b = bench();
    const { request } = await begin(b, "exec sleep 600");
    const start = await startOf(b, request);
    process.kill(start.supervisor, "SIGHUP");
    process.kill(start.supervisor, "SIGTERM");
    expect(await exitOf(b.machine, request)).toMatchObject({ reason: "terminated", code: 143 });
  });

  it.skipIf(tried.skip)("does not lend its identity to a run that its program starts", async () => {
    const b = bench(2);
    const environment = { PATH: STANDARD_PATH, WAYBILL_RUN_ID: "outer", WAYBILL_ATTEMPT: "9" };
    const inner = createLocalMachine(localSpec(b.machine.spec.workDir, 2), { environment, shell });
    const { request } = await begin({ machine: inner, dir }, "exec sleep 600");
    expect(await carriersOf("outer")).toEqual([]);
    const start = await startOf(b, request);
    for (const pid of [start.supervisor, start.watchdog]) {
      expect(await readFile(`/proc/${pid}/environ`, "latin1")).not.toContain("WAYBILL_");
    }
    await b.machine.cancel(request);
    await b.machine.settled(request);
  });

  it.skipIf(tried.skip)("keeps the values of its variables out of every file and every command line", async () => {
    const b = bench();
    const secret = `s3cret-${process.pid}-value`;
    const { request } = await begin(b, 'test -n "$TOKEN"; sleep 600', { env: { TOKEN: secret } });
    const commands = await run("ps", ["-eo", "args"]);
    expect(commands).toContain(request.runId);
    expect(commands).not.toContain(secret);
    const hits = await run("grep", ["-rl", "-e", secret, b.machine.spec.workDir]);
    expect(hits).toBe("");
    await b.machine.cancel(request);
    await b.machine.settled(request);
  });
});

/** Commands of living processes whose environment names the run. */
async function carriersOf(runId: string): Promise<readonly string[]> {
  const listed = await run("sh", ["-c", `cd /proc && grep -lsF "WAYBILL_RUN_ID=${runId}" [0-9]*/environ`]);
  return listed.split("\n").filter((line) => line !== "");
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once("close", () => resolve(text));
  });
}

async function spawnStranger(): Promise<ChildProcess> {
  const child = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
  await new Promise((resolve) => child.once("spawn", resolve));
  return child;
}
