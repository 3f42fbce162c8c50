/** A child and all that it started and that stayed in its process group. */
import { readdirSync, readFileSync } from "node:fs";

/** Nobody of ours is there: it is gone, or what is left may not be signalled, as zombies on macOS. */
const NOBODY: readonly (string | undefined)[] = ["ESRCH", "EPERM"];

/** @returns whether there was somebody to take it. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    if (NOBODY.includes((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

/** Asks the group to end; what is stopped is continued, to hear it. */
export function askToEnd(group: number): void {
  if (signalGroup(group, "SIGTERM")) signalGroup(group, "SIGCONT");
}

/** Whether anything of the group runs. Zombies keep a group in being until they are reaped, which some containers never do. */
export function groupLives(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((name) => /^\d+$/.test(name) && isLiveMember(name, group));
}

function isLiveMember(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name may hold spaces and parentheses; what follows its last parenthesis does not (proc(5)).
    const [state = "", , member] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(member) === group && !/^[ZX]/.test(state);
  } catch {
    // It ended while we looked.
    return false;
  }
}
