/** Looks for living processes by what their environment or command line holds (Linux: reads /proc). */
import { readdirSync, readFileSync } from "node:fs";

export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/** Null when the process has gone meanwhile, or is another user's. */
function read(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // Processes end while we look: one that is gone carries nothing.
    return null;
  }
}

/** Whether a process of that pid exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  const stat = read(pid, "stat");
  return stat !== null && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

/** Living processes, this one apart, with `text` in their environment or command line. */
export function processesWith(text: string): FoundProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || !isAlive(pid)) return [];
    const command = read(pid, "cmdline");
    const carries = command?.includes(text) === true || read(pid, "environ")?.includes(text) === true;
    return carries ? [{ pid, command: command?.replaceAll("\0", " ").trim() ?? "" }] : [];
  });
}

/** Sends a signal; answers whether there was a process to take it. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
