/** The command line of the system's OpenSSH client, and the private folder of its shared connections. Pure but for the folder. */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";

/** How long a shared connection outlives its last use; seconds. */
export const PERSIST_SECONDS = 60;
/** A peer that says nothing for this long, so many times, is gone: 15 s in all. */
const ALIVE = { intervalSeconds: 5, times: 3 } as const;
/** Unix sockets have names of about 104 bytes, of which ssh needs 17 for itself (sockaddr_un; ssh's mux.c). */
const LONGEST_SOCKET = 86;

/**
 * Arguments for `ssh` to carry out `command` on the machine. What the user's configuration says counts, but for what
 * would need a person (prompts), or would change what is carried out (a command, a terminal, forwardings of its own).
 */
export function sshArguments(spec: MachineSpec, socket: string, command: string): string[] {
  const { ssh } = spec;
  const option = (name: string, value: string | number): string[] => ["-o", `${name}=${value}`];
  return [
    ...connectionArguments(spec, socket),
    ...option("ControlMaster", "auto"),
    ...option("ControlPersist", PERSIST_SECONDS),
    ...option("BatchMode", "yes"),
    ...option("ConnectTimeout", Math.max(1, Math.ceil((ssh?.connectTimeoutMs ?? 10_000) / 1000))),
    ...option("ServerAliveInterval", ALIVE.intervalSeconds),
    ...option("ServerAliveCountMax", ALIVE.times),
    ...option("ClearAllForwardings", "yes"),
    ...option("ForwardX11", "no"),
    ...option("PermitLocalCommand", "no"),
    ...option("RemoteCommand", "none"),
    ...option("LogLevel", "ERROR"),
    "-T",
    "--",
    spec.host ?? "",
    command,
  ];
}

/** Arguments that ask the shared connection itself to do something (`check`, `exit`). */
export const controlArguments = (spec: MachineSpec, socket: string, order: "check" | "exit"): string[] => [
  ...connectionArguments(spec, socket),
  "-O",
  order,
  "--",
  spec.host ?? "",
];

function connectionArguments({ ssh, user, port }: MachineSpec, socket: string): string[] {
  return [
    ...(ssh?.configFile == null ? [] : ["-F", ssh.configFile]),
    ...(user === null ? [] : ["-l", user]),
    ...(port === null ? [] : ["-p", String(port)]),
    ...(ssh?.identityFile == null ? [] : ["-i", ssh.identityFile, "-o", "IdentitiesOnly=yes"]),
    ...(ssh?.proxyJump == null ? [] : ["-J", ssh.proxyJump]),
    "-o",
    `ControlPath=${socket.replaceAll("%", "%%")}`,
  ];
}

/**
 * The socket of the shared connection to a machine: the same for every process of this user, so that they share it.
 *
 * @param lane which of several connections; 0, the first, is most often the only one.
 *
 * Errors: `transport_unavailable` when its folder belongs to somebody else or is open to others.
 */
export function controlSocket(spec: MachineSpec, lane: number): string {
  const { host, user, port, ssh } = spec;
  const name = createHash("sha256")
    .update(JSON.stringify([host, user, port, ssh, lane]))
    .digest("hex")
    .slice(0, 16);
  return join(controlFolder(), name);
}

function controlFolder(): string {
  const owner = process.getuid?.() ?? 0;
  const folders = [process.env.XDG_RUNTIME_DIR, tmpdir(), "/tmp"].flatMap((base) =>
    base === undefined || base === "" ? [] : [join(base, `waybill-${owner}`)],
  );
  const folder = folders.find((path) => path.length + 17 <= LONGEST_SOCKET) ?? `/tmp/waybill-${owner}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  if (stats.isDirectory() && stats.uid === owner && (stats.mode & 0o077) === 0) return folder;
  throw new WaybillError("transport_unavailable", `${folder} is not a folder of this user alone.`, {
    hint: "Shared ssh connections would be open to others there. Remove it, or make it yours with mode 0700.",
    details: { path: folder, uid: stats.uid, mode: (stats.mode & 0o777).toString(8) },
  });
}
