/** Faults on the way to a machine: the right code, what to do about it, nothing left behind, and all is well once mended. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { type FleetMachine, noSshd, startMachine } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox, type MachineLines } from "../harness/sandbox.js";
import { leasesOf } from "../harness/store-look.js";
import { toolsWith } from "../harness/tools.js";
import { until } from "../harness/until.js";
import { expectNothingLeft } from "./aftermath.js";

type Show = OutputOf<"runs.show">;
type Why = OutputOf<"system.why">;

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;

const box = perTest(createSandbox);
let far: FleetMachine;
beforeEach(async () => {
  far = await startMachine(box, "far");
  box.work("job", "echo done");
});

function write(name: string, text: string): string {
  writeFileSync(box.path(name), text, { mode: 0o600 });
  return box.path(name);
}

const keyFile = (name: string): string => join(box.dir, "sshd-far", name);

/** The client's configuration with other lines in the place of those that begin as they do. */
function configured(...lines: readonly string[]): MachineLines {
  const kept = readFileSync(far.sshd.configFile, "utf8")
    .split("\n")
    .filter((line) => !lines.some((changed) => line.trim().split(" ")[0] === changed.split(" ")[0]));
  return { ...far.lines, ssh_config: write("changed_config", [...kept, ...lines].join("\n")) };
}

interface Fault {
  readonly fault: string;
  readonly code: string;
  readonly exit?: number;
  readonly says: RegExp;
  readonly hint: RegExp;
  /** The inventory's lines, wrong. */
  readonly lines: () => MachineLines;
  readonly env?: () => Record<string, string>;
}

const FAULTS: readonly Fault[] = [
  {
    fault: "another host key than the known one",
    code: "host_key_mismatch",
    says: /host key is not the one that is known/,
    hint: /Nothing was sent/,
    // The user's key in the place of the host's.
    lines: () => {
      const hosts = write("hosts", `[127.0.0.1]:${far.sshd.port} ${readFileSync(keyFile("user_key.pub"), "utf8")}`);
      return configured(`UserKnownHostsFile ${hosts}`);
    },
  },
  {
    fault: "a host key that nobody has seen, where only known ones are let pass",
    code: "host_key_mismatch",
    says: /host key is not the one that is known/,
    hint: /accept it once: ssh/,
    lines: () => configured(`UserKnownHostsFile ${write("hosts", "")}`),
  },
  {
    fault: "a user that is not there",
    code: "auth_failed",
    says: /did not accept this user or key.*Permission denied/,
    hint: /Check `user` and keys/,
    lines: () => ({ ...far.lines, user: "nobody-here" }),
  },
  {
    fault: "no key",
    code: "auth_failed",
    says: /did not accept this user or key/,
    hint: /load the key into an agent/,
    lines: () => configured("IdentityFile none"),
  },
  {
    fault: "a key file that others can read",
    code: "auth_failed",
    says: /did not accept this user or key/,
    hint: /keys/,
    lines: () => {
      const key = write("open_key", readFileSync(keyFile("user_key"), "utf8"));
      return { ...configured("IdentityFile none"), identity_file: exposed(key) };
    },
  },
  {
    fault: "a configuration that ssh cannot read",
    code: "invalid_inventory",
    exit: 2,
    says: /Bad configuration option: nonsense/,
    hint: /Mend the file/,
    lines: () => configured("Nonsense yes"),
  },
  {
    fault: "a configuration that is not there",
    code: "invalid_inventory",
    exit: 2,
    says: /Can't open user config file/,
    hint: /Mend the file/,
    lines: () => ({ ...far.lines, ssh_config: box.path("nowhere") }),
  },
  {
    fault: "no ssh on this computer",
    code: "transport_unavailable",
    says: /ssh cannot be started/,
    hint: /openssh-client/,
    lines: () => far.lines,
    env: () => ({ PATH: toolsWith(box.path("tools"), { ssh: null }) }),
  },
];

function exposed(path: string): string {
  chmodSync(path, 0o644);
  return path;
}

describe.skipIf(noSshd !== null)(`a run whose machine cannot be used${skipped}`, () => {
  it.each(FAULTS)("ends at once for $fault", async ({ code, exit = 6, says, hint, lines, env }) => {
    box.machines({ far: lines() });
    const broken = await box.cli(["run", "job", "--machine", "far"], { env: env?.() ?? {} });
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
    const id = runs[0]?.id ?? broken.stderr;
    const run = await box.json<Show>(["runs", "show", id]);
    const why = await box.json<Why>(["why", id]);

    expect(broken.stderr).toMatch(says);
    expect([broken.code, run.status, run.error_code, run.started_at]).toEqual([exit, "failed", code, null]);
    expect(run.error_msg).toMatch(says);
    expect(run.error_msg).toMatch(hint);
    expect(why.reasons).toMatchObject([{ code: "ended", message: expect.stringMatching(says) }]);
    await expectNothingLeft(far);

    box.machines({ far: far.lines });
    const mended = await box.cli(["run", "job", "--machine", "far"]);
    expect([mended.code, mended.stdout]).toEqual([0, "done\n"]);
    await expectNothingLeft(far);
  });

  it("is told by `machines check` in the same words", async () => {
    box.machines({ far: { ...far.lines, user: "nobody-here" } });
    const { code, stdout } = await box.cli(["machines", "check"]);
    expect(code).toBe(6);
    expect(stdout).toMatch(/did not accept this user or key/);
  });
});

/** Takes connections and says nothing, as a host does whose server hangs. @returns what ends it */
async function muteServer(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}

describe.skipIf(noSshd !== null)(`a run whose machine does not answer${skipped}`, () => {
  /** Starts the run, holds what is told of it meanwhile to the facts, mends, and holds the end to them. */
  async function expectPatience(lines: MachineLines, why: RegExp, mend: () => Promise<void>): Promise<void> {
    box.machines({ far: { ...lines, connect_timeout: "1s" } });
    const live = box.spawnCli(["run", "job", "--machine", "far"]);
    await live.says(/far does not answer \(machine_unreachable\); nothing was started there yet/);
    const [, id = ""] = await live.says(/run (\S+) on far/);
    const run = await box.json<Show>(["runs", "show", id]);
    const told = await box.json<Why>(["why", id]);
    const { machines } = await box.json<OutputOf<"machines.list">>(["machines", "list"]);
    const check = await box.cli(["machines", "check"]);

    expect(run).toMatchObject({ status: "pending", pid: null, unreachable_since: expect.any(String) });
    expect(told.reasons).toMatchObject([{ code: "unreachable", hint: expect.stringMatching(/machines check far/) }]);
    expect(machines).toMatchObject([{ name: "far", status: "offline" }]);
    expect([check.code, check.stdout]).toEqual([6, expect.stringMatching(why)]);
    expect(live.hasEnded()).toBe(false);

    await mend();
    const { code, stdout, stderr } = await live.ended;
    expect([code, stdout]).toEqual([0, "done\n"]);
    expect(stderr).toMatch(/far answers again, after/);
    await expectNothingLeft(far);
  }

  it("waits for a server that is not started, and goes on when it is", async () => {
    await far.sshd.kill();
    await expectPatience(far.lines, /Connection refused/, () => far.sshd.start());
  });

  it("waits for a name that nobody knows, and goes on when somebody does", async () => {
    const alias = "far-away.invalid";
    await expectPatience({ ...configured(), host: alias }, /Could not resolve hostname/, async () => {
      configured(`HostName 127.0.0.1`, `HostKeyAlias [127.0.0.1]:${far.sshd.port}`);
    });
  });

  it("gives a server that says nothing no longer than connect_timeout, and goes on when it speaks", async () => {
    await far.sshd.kill();
    const unmute = await muteServer(far.sshd.port);
    await expectPatience(far.lines, /banner exchange/, async () => {
      await unmute();
      await far.sshd.start();
    });
  });

  it("is left to a dispatcher when it is detached, and its machine gets it when it answers", async () => {
    await far.sshd.kill();
    box.machines({ far: far.lines });
    const { code, stdout, stderr } = await box.cli(["run", "job", "--machine", "far", "--detach"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/far does not answer/);
    await far.sshd.start();
    expect((await box.cli(["runs", "wait", stdout.trim()])).code).toBe(0);
  });

  it("can be cancelled meanwhile", async () => {
    await far.sshd.kill();
    box.machines({ far: far.lines });
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "job", "--machine", "far", "--detach"]);
    expect((await box.cli(["runs", "cancel", run.id])).code).toBe(0);
    expect(await box.json<Show>(["runs", "show", run.id])).toMatchObject({
      status: "interrupted",
      error_code: "cancelled",
      unreachable_since: null,
    });
    await until("nobody holds a lease", () => leasesOf(box.home).length === 0);
  });

  it("is told of by its batch, which goes on when the machine answers", async () => {
    await far.sshd.kill();
    box.machines({ far: far.lines });
    const live = box.spawnCli([
      "batch",
      "run",
      box.plan("plan.yaml", [{ name: "job", machine: "far" }]),
      "--staging",
      "1",
    ]);
    await live.says(/job: far does not answer/);
    await far.sshd.start();
    await live.says(/job: far answers again/);
    expect((await live.ended).code).toBe(0);
  });
});
