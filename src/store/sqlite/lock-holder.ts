/** Finds out who holds a database's write lock, so that `store_busy` can name a process instead of a mystery. */
import { readFileSync, statSync } from "node:fs";

export interface LockHolder {
  readonly pid: number;
  /** Its command line; null when the process has ended or may not be looked at. */
  readonly command: string | null;
}

/** WAL_WRITE_LOCK is the first lock byte of the shared memory file (https://sqlite.org/walformat.html, 2.3). */
const WRITE_LOCK_BYTE = 120;

/**
 * @param path the database file. Its write lock in WAL mode is a POSIX lock on `<path>-shm`.
 * @returns null when nobody holds it, or where the system does not tell (only Linux lists locks in `/proc`).
 */
export function findLockHolder(path: string): LockHolder | null {
  try {
    const { ino } = statSync(`${path}-shm`);
    const pid = parseLocks(readFileSync("/proc/locks", "utf8"), ino);
    return pid === null ? null : { pid, command: commandOf(pid) };
  } catch {
    // No shared memory file or no /proc: the holder cannot be known here, which is an answer and no failure.
    return null;
  }
}

/** Reads `1: POSIX  ADVISORY  WRITE 4711 fe:00:123456 120 120` (proc(5)); device and inode are the fifth field. */
export function parseLocks(text: string, inode: number): number | null {
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/\s+/);
    const at = fields.indexOf("WRITE");
    const [pid, file, first, last] = fields.slice(at + 1);
    if (at < 0 || fields.includes("->") || file?.split(":")[2] !== String(inode)) continue;
    const covers = Number(first) <= WRITE_LOCK_BYTE && (last === "EOF" || Number(last) >= WRITE_LOCK_BYTE);
    if (covers) return Number(pid);
  }
  return null;
}

function commandOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim() || null;
  } catch {
    // Ended in between, or hidden (hidepid): the pid alone is still worth saying.
    return null;
  }
}
