/** The user's configuration of ssh counts, and does no harm; every process of the user shares one connection. */
import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { PERSIST_SECONDS } from "../../src/machines/ssh/ssh-command.js";
import { gateIn } from "../cli/gate.js";
import { type FleetMachine, noSshd, startMachine } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { processesWith, signal } from "../harness/processes.js";
import { createSandbox, type MachineLines } from "../harness/sandbox.js";
import { expectNothingLeft } from "./aftermath.js";
import { sessionsOf } from "./server-log.js";

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;

const box = perTest(createSandbox);
let runtimeDir: string;
beforeEach(() => {
  box.work("job", "echo done");
  // A folder of its own for shared connections, so that they can be told from those of others.
  runtimeDir = box.path("run");
  mkdirSync(runtimeDir);
});

const env = (): Record<string, string> => ({ XDG_RUNTIME_DIR: runtimeDir });
const start = (name: string, lines: readonly string[] = []): Promise<FleetMachine> =>
  startMachine(box, name, { lines: ["LogLevel VERBOSE", ...lines] });

/** The client's configuration as lines, to which others are added; the first that sets something counts. */
function configuration(far: FleetMachine, before: readonly string[]): string {
  const path = box.path("config");
  writeFileSync(path, `${before.join("\n")}\n${readFileSync(far.sshd.configFile, "utf8")}`, { mode: 0o600 });
  return path;
}

async function expectRun(lines: MachineLines, more: Record<string, string> = {}): Promise<void> {
  box.machines({ far: lines });
  const { code, stdout, stderr } = await box.cli(["run", "job", "--machine", "far"], { env: { ...env(), ...more } });
  expect([code, stdout], stderr).toEqual([0, "done\n"]);
}

const masters = (): ReturnType<typeof processesWith> =>
  processesWith(runtimeDir).filter(({ command }) => command.includes("[mux]"));

describe.skipIf(noSshd !== null)(`the user's configuration of ssh${skipped}`, () => {
  it("gives host, port and user to an alias", async () => {
    const far = await start("far");
    const { port, user, ...lines } = far.lines;
    const alias = ["Host build-farm", "  HostName 127.0.0.1", `  Port ${port}`, `  User ${user}`];
    await expectRun({ ...lines, host: "build-farm", ssh_config: configuration(far, alias) });
    await expectNothingLeft(far);
  });

  it("leads through another host, by itself or by the inventory", async () => {
    const [far, gate] = [await start("far"), await start("gate")];
    const known = readFileSync(gate.sshd.configFile.replace("ssh_config", "known_hosts"), "utf8");
    writeFileSync(far.sshd.configFile.replace("ssh_config", "known_hosts"), known, { flag: "a" });
    const jump = [`Host gate`, `  HostName 127.0.0.1`, `  Port ${gate.sshd.port}`];
    const key = `  IdentityFile ${gate.sshd.configFile.replace("ssh_config", "user_key")}`;
    const config = configuration(far, [...jump, key]);
    await expectRun({ ...far.lines, ssh_config: config, proxy_jump: "gate" });
    expect(sessionsOf(gate.sshd).connections).toBe(1);

    const itself = configuration(far, [...jump, key, `Match host 127.0.0.1 !originalhost gate`, "  ProxyJump gate"]);
    await expectRun({ ...far.lines, ssh_config: itself });
    expect(sessionsOf(gate.sshd).connections).toBe(2);
  });

  it("may have no key, when the inventory or an agent has it", async () => {
    const far = await start("far");
    const key = far.sshd.configFile.replace("ssh_config", "user_key");
    const bare = box.path("bare");
    const text = readFileSync(far.sshd.configFile, "utf8").replace(/^ *Identit.*\n/gm, "");
    writeFileSync(bare, text, { mode: 0o600 });
    await expectRun({ ...far.lines, ssh_config: bare, identity_file: key });

    const agent = execFileSync("ssh-agent", ["-s", "-a", box.path("agent")], { env: box.env, encoding: "utf8" });
    const [, pid = ""] = /SSH_AGENT_PID=(\d+)/.exec(agent) ?? [];
    const found = { SSH_AUTH_SOCK: box.path("agent") };
    execFileSync("ssh-add", ["-q", key], { env: { ...box.env, ...found }, stdio: "ignore" });
    for (const { pid: master } of masters()) signal(master, "SIGTERM");
    await expectRun({ ...far.lines, ssh_config: bare }, found);
    signal(Number(pid), "SIGTERM");
  });

  it("does no harm with a terminal, commands, forwardings, sharing and silence of its own", async () => {
    const far = await start("far");
    const canary = box.path("canary");
    const config = configuration(far, [
      "Host *",
      "  RequestTTY force",
      `  RemoteCommand touch ${canary}`,
      `  LocalCommand touch ${canary}`,
      "  PermitLocalCommand yes",
      `  LocalForward ${box.path("forward")} 127.0.0.1:1`,
      "  RemoteForward 1 127.0.0.1:1",
      "  ExitOnForwardFailure yes",
      "  ControlMaster no",
      `  ControlPath ${box.path("own-%C")}`,
      "  ControlPersist no",
      "  LogLevel QUIET",
      "  BatchMode no",
      "  ConnectionAttempts 3",
      "  SendEnv *",
    ]);
    await expectRun({ ...far.lines, ssh_config: config });
    expect(() => lstatSync(canary)).toThrow(/ENOENT/);
    expect(() => lstatSync(box.path("forward"))).toThrow(/ENOENT/);
    await expectNothingLeft(far);
  });

  it("cannot make a refusal silent", async () => {
    const far = await start("far");
    const config = configuration(far, ["Host *", "  LogLevel QUIET", "  User nobody-here"]);
    const { user: _, ...lines } = far.lines;
    box.machines({ far: { ...lines, ssh_config: config } });
    const { code, stderr } = await box.cli(["run", "job", "--machine", "far"], { env: env() });
    expect([code, stderr]).toEqual([6, expect.stringMatching(/auth_failed/)]);
  });
});

describe.skipIf(noSshd !== null)(`the shared connection${skipped}`, { timeout: 110_000 }, () => {
  it("is one, whoever asks and however many do, as long as the server has sessions for them", async () => {
    const far = await start("far", ["MaxSessions 100"]);
    box.machines({ far: far.lines });
    // The first process makes it; those that come meanwhile would each make one, and all but one would be given up.
    expect((await box.cli(["machines", "check"], { env: env() })).code).toBe(0);
    const gate = gateIn(box, "gate");
    box.machines({ far: { ...far.lines, slots: 8 } });
    box.work("held", gate.script);
    const runs = ["a", "b", "c", "d"].map((ref) =>
      box.spawnCli(["run", "held", "--machine", "far", "--new", "--ref", ref], { env: env() }),
    );
    await gate.reached();
    const checks = Array.from({ length: 4 }, () => box.cli(["machines", "check"], { env: env() }));
    for (const { code } of await Promise.all(checks)) expect(code).toBe(0);
    gate.open();
    for (const live of runs) expect((await live.ended).code).toBe(0);
    expect(sessionsOf(far.sshd).connections).toBe(1);
    expect(masters()).toHaveLength(1);
  });

  it("lies in a folder of its user alone, ends by itself, and is refused in another's folder", async () => {
    const far = await start("far");
    await expectRun(far.lines);
    const folder = join(runtimeDir, `waybill-${process.getuid?.()}`);
    expect(lstatSync(folder).mode & 0o777).toBe(0o700);
    const [master] = masters();
    expect(master).toBeDefined();
    // It was started to end so long after its last use; ssh does not tell, so the promise is held to what it is told.
    expect(PERSIST_SECONDS).toBeLessThanOrEqual(60);

    chmodSync(folder, 0o755);
    const { code, stderr } = await box.cli(["machines", "check", "far"], { env: env() });
    expect([code, stderr]).toEqual([6, ""]);
    const { machines } = await box.json<OutputOf<"machines.check">>(["machines", "check", "far"], { env: env() });
    expect(machines[0]?.findings).toMatchObject([
      { name: "reach", ok: false, value: expect.stringMatching(/is not a folder of this user alone/) },
    ]);
  });

  it("costs a run nothing when it is killed", async () => {
    const far = await start("far");
    box.machines({ far: far.lines });
    const gate = gateIn(box, "gate");
    box.work("held", `echo before\n${gate.script}\necho after`);
    const live = box.spawnCli(["run", "held", "--machine", "far"], { env: env() });
    await live.says(/before/);
    for (const { pid } of masters()) signal(pid, "SIGKILL");
    gate.open();
    const { code, stdout } = await live.ended;
    expect([code, stdout]).toEqual([0, "before\nafter\n"]);
    await expectNothingLeft(far);
  });
});
