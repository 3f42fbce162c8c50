/**
 * Who is alive: a process is (host, boot, pid, start time), so that a pid used again is never taken for its predecessor.
 * The supervisor computes boot and start time in the same way (supervisor/sh), so its records can be judged here.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { type Liveness, NO_PROCESS, type ProcessIdentity } from "../domain/lease.js";

interface ProcessLook {
  readonly state: string;
  readonly start: string;
}

const hasProc = process.platform === "linux";

/** A fact that may not exist on this system; absence is an answer. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    // The file, tool or process is not there: the caller treats that as "not known" or "not alive".
    return null;
  }
}

const run = (command: string, args: readonly string[]): string | null =>
  attempt(() =>
    execFileSync(command, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" },
    }),
  );

/** State and start time of a process, null when there is none. On Linux fields 3 and 22 of /proc/PID/stat (proc(5)). */
function lookAt(pid: number): ProcessLook | null {
  if (hasProc) {
    const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
    if (stat === null) return null;
    // The name may hold spaces and parentheses; what follows its last parenthesis does not.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", start: fields[19] ?? "" };
  }
  const start = run("ps", ["-o", "lstart=", "-p", String(pid)])?.replace(/[^A-Za-z0-9:]/g, "") ?? "";
  const state = run("ps", ["-o", "stat=", "-p", String(pid)])?.trim() ?? "";
  return start === "" ? null : { state, start };
}

function readBoot(): string {
  const id = hasProc
    ? attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"))
    : run("sysctl", ["-n", "kern.bootsessionuuid"]);
  return `${id?.trim() ?? ""}.${lookAt(1)?.start ?? ""}`;
}

/** Only processes that see the same pids can be judged: containers of one machine differ in the last part. */
function readHost(): string {
  const machine = attempt(() => readFileSync("/etc/machine-id", "latin1"))
    ?.trim()
    .slice(0, 8);
  const namespace = attempt(() => statSync("/proc/self/ns/pid").ino);
  return `${hostname()}.${machine || "-"}.${namespace ?? "-"}`;
}

let known: { readonly host: string; readonly boot: string; self: ProcessIdentity | null } | null = null;

function here(): NonNullable<typeof known> {
  known ??= { host: readHost(), boot: readBoot(), self: null };
  return known;
}

/** The token that changes when this machine, or the container that this runs in, is started anew. */
export const bootToken = (): string => here().boot;

/** The identity of a process of this host; null when there is none of that pid. */
export function identityOf(pid: number): ProcessIdentity | null {
  const look = lookAt(pid);
  return look === null ? null : { host: here().host, boot: here().boot, pid, pidStart: look.start };
}

/** A holder that is no process (see `NO_PROCESS`); its host is for people. */
export const nobody = (): ProcessIdentity => ({ host: hostname(), boot: "", pid: NO_PROCESS, pidStart: "" });

/** The identity of this process; read once. */
export function thisProcess(): ProcessIdentity {
  const facts = here();
  facts.self ??= identityOf(process.pid) ?? { host: facts.host, boot: facts.boot, pid: process.pid, pidStart: "" };
  return facts.self;
}

/** Whether the process of this machine with this boot, pid and start time lives. A zombie is dead. */
export function isRunning(boot: string, pid: number, pidStart: string): boolean {
  if (boot !== here().boot) return false;
  const look = lookAt(pid);
  return look !== null && look.start === pidStart && !/^[ZX]/.test(look.state);
}

/**
 * Whether a holder lives: `unknown` when it is of another host, where nothing can be proved; `dead` when this host was
 * started anew since, or its pid is gone, a zombie, or another process's. A process that may not be signalled is alive.
 */
export function livenessOf(identity: ProcessIdentity): Liveness {
  if (identity.host !== here().host) return "unknown";
  return isRunning(identity.boot, identity.pid, identity.pidStart) ? "alive" : "dead";
}
