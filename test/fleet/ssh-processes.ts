/** The living processes of ssh, on either side of a sandbox's connections (Linux: reads /proc). */
import { readdirSync, readFileSync } from "node:fs";
import { uptime } from "node:os";
import { signal } from "../harness/processes.js";
import type { Sandbox } from "../harness/sandbox.js";

/** A client carries one request; a master holds the connection that clients share; a session is the server's end of one. */
export type SshRole = "client" | "master" | "session";

export interface SshProcess {
  readonly pid: number;
  readonly role: SshRole;
  /** How long it has lived; milliseconds. */
  readonly ageMs: number;
}

/** Of /proc/PID/stat, counted from the state, in ticks since the host came up (proc(5)); Linux tells a hundred a second. */
const START_TIME = 19;
const TICK_MS = 10;

const read = (pid: string, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // It ended while we looked.
    return "";
  }
};

/** Clients, masters and sessions of `box`, which all carry its path in their command line or descend from one that does. */
export function sshProcessesOf(box: Sandbox): SshProcess[] {
  const found: SshProcess[] = [];
  const servers = new Set<number>();
  const sessions: { pid: number; parent: number; ageMs: number }[] = [];
  const upMs = uptime() * 1_000;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = read(pid, "stat");
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    if (name !== "ssh" && name !== "sshd") continue;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent] = fields;
    if (state === "Z") continue;
    const ageMs = upMs - Number(fields[START_TIME]) * TICK_MS;
    const command = read(pid, "cmdline");
    if (name === "sshd") {
      if (command.includes(box.dir)) servers.add(Number(pid));
      else sessions.push({ pid: Number(pid), parent: Number(parent), ageMs });
    } else if (command.includes(box.dir)) {
      found.push({ pid: Number(pid), role: command.includes("[mux]") ? "master" : "client", ageMs });
    }
  }
  // A session's processes descend from the server; those nearer to it are found first or in a later round.
  for (let known = -1; known !== servers.size; ) {
    known = servers.size;
    for (const { pid, parent, ageMs } of sessions) {
      if (!servers.has(parent) || servers.has(pid)) continue;
      servers.add(pid);
      found.push({ pid, role: "session", ageMs });
    }
  }
  return found;
}

/** Kills it at once; false when it has gone by itself. */
export const killProcess = ({ pid }: SshProcess): boolean => signal(pid, "SIGKILL");
