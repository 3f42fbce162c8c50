/** A server on loopback, a work directory behind it, and the tools that Waybill is compared with; gone when the bench ends. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dir, env } from "../cli/workshop.mjs";
import { bundleMachines } from "./bundle.mjs";

// Connections of the bench alone: nobody else's are used, and nobody else's are ended.
const sockets = join(dir, "run");
process.env.XDG_RUNTIME_DIR = sockets;
env.XDG_RUNTIME_DIR = sockets;
mkdirSync(sockets, { mode: 0o700 });

const { createSshMachine, freezeTree, startSshd } = await bundleMachines(dir);

const SERVER = ["MaxStartups 500", "MaxSessions 100", "Subsystem sftp internal-sftp"];

const sshd = await startSshd({ dir: join(dir, "sshd"), lines: SERVER });
export const far = join(dir, "far");
const spec = { ...sshd.spec(join(far, "waybill")), name: "loopback" };
const options = ["-F", sshd.configFile, "-p", String(sshd.port)];
/** The plain client's own shared connection. */
const shared = join(dir, "plain");
const master = ["-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", `ControlPath=${shared}`];

/** Another client's view of the machine, which knows of no connection. */
export const newMachine = () => createSshMachine(spec, process.env);
export const freeze = (source) => freezeTree(source, join(dir, "frozen"));

export const plain = { ssh: ["ssh", ...options, "127.0.0.1"], scp: ["scp", "-q", "-r", ...withPort("-P")] };
export const overMaster = {
  ssh: ["ssh", ...master, ...options, "127.0.0.1"],
  rsync: ["rsync", "-az", "-e", ["ssh", ...master, ...options].join(" ")],
};
export const rsync = ["rsync", "-az", "-e", ["ssh", ...options].join(" ")];

function withPort(flag) {
  return ["-F", sshd.configFile, flag, String(sshd.port)];
}

/** Carries out a command to its end. Its output goes nowhere; what it says goes into the error. */
export function carryOut([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(" ")} ended with ${code}: ${said}`)),
    );
  });
}

export const shell = (script) => carryOut(["bash", "-c", `set -eo pipefail; ${script}`]);
export const quote = (words) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

/** Ends Waybill's shared connections, so that the next request makes one. */
export function disconnect() {
  const folder = join(sockets, `waybill-${process.getuid()}`);
  for (const name of names(folder)) {
    spawnSync("ssh", ["-o", `ControlPath=${join(folder, name)}`, "-O", "exit", "127.0.0.1"], { stdio: "ignore" });
  }
}

function names(folder) {
  try {
    return readdirSync(folder);
  } catch {
    // Nothing has connected yet.
    return [];
  }
}

/** An inventory of `count` names for the one server. @returns its path */
export function inventory(count) {
  // Every name leads to the server, whose key is known by its address.
  const config = join(dir, "sshd", "everywhere");
  writeFileSync(config, `Host *\n  HostName 127.0.0.1\nInclude ${sshd.configFile}\n`, { mode: 0o600 });
  const machines = Array.from({ length: count }, (_, n) => [
    `m${n + 1}`,
    { transport: "ssh", host: `m${n + 1}`, port: sshd.port, ssh_config: config, work_dir: join(far, "waybill") },
  ]);
  const path = join(dir, `machines-${count}.yaml`);
  writeFileSync(path, JSON.stringify({ machines: Object.fromEntries(machines) }));
  return { path, config, port: String(sshd.port) };
}

export async function closeSite() {
  disconnect();
  spawnSync("ssh", ["-o", `ControlPath=${shared}`, "-O", "exit", "127.0.0.1"], { stdio: "ignore" });
  await sshd.kill();
}

export const clear = (path) => rmSync(path, { recursive: true, force: true });

// A bench that is stopped leaves no server behind.
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => void closeSite().finally(() => process.exit(1)));
