/** A real OpenSSH server on loopback for tests: keys and a home of its own, any login shell, and a port that stays when it is killed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { MachineSpec } from "../../domain/machine.js";
import { until } from "../conformance/machine-bench.js";

const SSHD = "/usr/sbin/sshd";

/** Why no server can be started here; null when one can. */
export const noSshd: string | null = existsSync(SSHD) ? null : `${SSHD} is not installed`;

export interface SshdOptions {
  /** A directory of the test's own for keys and configuration. */
  readonly dir: string;
  /** What stands for the login shell: gets the client's command in `$SSH_ORIGINAL_COMMAND`. Default: the user's own shell. */
  readonly login?: string;
  /** Lines for the server's configuration. */
  readonly lines?: readonly string[];
  /** Variables of every session, past what the server sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** A network namespace (`ip netns`) to run in, and the address there. Default: loopback of this host. */
  readonly network?: { readonly namespace: string; readonly address: string };
}

export interface Sshd {
  readonly port: number;
  /** The client's configuration: key, known hosts, strict. */
  readonly configFile: string;
  /** What the server has to say, appended to over restarts. */
  readonly logFile: string;
  /** Ends the server and every session of it with SIGKILL, as a power cut does; what runs detached goes on. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** The inventory's entry of a machine that this server leads to. */
  spec(workDir: string, slots?: number, changes?: Partial<MachineSpec>): MachineSpec;
}

/** A port of loopback that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Starts a server. The caller stops it with `kill`. */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  const port = await freePort();
  const address = options.network?.address ?? "127.0.0.1";
  const serverConfig = writeServer(options, address, port);
  const configFile = writeClient(options.dir, address, port);
  const logFile = join(options.dir, "sshd.log");
  let server: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    // It calls itself by this path, and wants its empty folder.
    mkdirSync("/run/sshd", { recursive: true });
    const inNetwork = options.network === undefined ? [] : ["ip", "netns", "exec", options.network.namespace];
    const [command = SSHD, ...args] = [...inNetwork, SSHD, "-D", "-E", logFile, "-f", serverConfig];
    const child = spawn(command, args, { stdio: "ignore", detached: true });
    server = child;
    await until(`sshd listens on ${port}`, () => {
      if (child.exitCode !== null) throw new Error(`sshd left with ${child.exitCode}; see ${logFile}`);
      return answers(address, port);
    });
  };
  const kill = async (): Promise<void> => {
    const pid = server?.pid;
    if (server === null || pid === undefined) return;
    server = null;
    killTree(pid);
    await until(`sshd on ${port} is gone`, async () => !(await answers(address, port)));
  };
  await start();
  const spec: Sshd["spec"] = (workDir, slots = 1, changes = {}) => ({
    name: `sshd-${port}`,
    transport: "ssh",
    host: address,
    user: userInfo().username,
    port,
    ssh: { configFile, identityFile: null, proxyJump: null, connectTimeoutMs: 10_000 },
    os: "linux",
    tags: [],
    slots,
    workDir,
    env: {},
    ...changes,
  });
  return { port, configFile, logFile, kill, start, spec };
}

function writeServer({ dir, login, lines = [], env = {} }: SshdOptions, address: string, port: number): string {
  mkdirSync(dir, { recursive: true });
  for (const name of ["host_key", "user_key"]) {
    if (!existsSync(join(dir, name)))
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
  }
  const path = join(dir, "sshd_config");
  const home = join(dir, "home");
  mkdirSync(home, { recursive: true });
  const config = [
    `ListenAddress ${address}:${port}`,
    `HostKey ${join(dir, "host_key")}`,
    `AuthorizedKeysFile ${join(dir, "user_key.pub")}`,
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    // The files lie below a temporary directory, which is open to everybody.
    "StrictModes no",
    "PidFile none",
    // Bash reads its start-up file in every session (its manual, "Invoked by remote shell daemon"); whose tests these are has
    // a start-up file that may take seconds, and locks.
    `SetEnv ${Object.entries({ HOME: home, ...env })
      .map((pair) => pair.join("="))
      .join(" ")}`,
    ...(login === undefined ? [] : [`ForceCommand ${login}`]),
    ...lines,
  ];
  writeFileSync(path, `${config.join("\n")}\n`);
  return path;
}

function writeClient(dir: string, address: string, port: number): string {
  const key = readFileSync(join(dir, "host_key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  writeFileSync(join(dir, "known_hosts"), `[${address}]:${port} ${key}\n`);
  const path = join(dir, "ssh_config");
  const config = [
    "Host *",
    `  IdentityFile ${join(dir, "user_key")}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${join(dir, "known_hosts")}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
  ];
  writeFileSync(path, `${config.join("\n")}\n`, { mode: 0o600 });
  return path;
}

const answers = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

/** The server, and the processes of its sessions; what a session has started in a session of its own goes on. */
function killTree(pid: number): void {
  const parents = new Map<number, number>();
  for (const line of execFileSync("ps", ["-e", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).split("\n")) {
    const [child, parent, name = ""] = line.trim().split(/\s+/);
    if (name.startsWith("sshd")) parents.set(Number(child), Number(parent));
  }
  const doomed = [pid];
  for (const next of doomed) for (const [child, parent] of parents) if (parent === next) doomed.push(child);
  for (const one of doomed) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      // It ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
