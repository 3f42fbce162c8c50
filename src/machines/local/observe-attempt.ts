/** Reads what the machine recorded about an attempt, and judges who is alive where a record leaves that open. */
import { lstat, readFile, readlink, stat } from "node:fs/promises";
import type { AttemptKey, ExitRecord, MachineAnswer, StartRecord } from "../../domain/machine.js";
import { parseExitLink, parseExitRecord, parseStartRecord } from "../../domain/machine-record.js";
import { bootToken, isRunning } from "../process-identity.js";
import type { RunDirectory } from "./run-directory.js";

type Owner = Readonly<Record<"boot" | "start", string>> & { readonly pid: number };

/** What the records say now. Reads files only; a torn record counts as none. */
export async function observeAttempt(run: RunDirectory, key: AttemptKey): Promise<MachineAnswer> {
  const exit = await readExit(run, key);
  const start = await readStart(run);
  if (exit !== null) return { state: "exit", exit, start };
  const alive = start === null ? null : startIsAlive(start);
  if (start !== null && alive === true) return { state: "running", start, logBytes: await sizeOf(run.log) };
  const owner = await readOwner(run);
  if (start === null && owner === null) return withoutClaim(run);
  if (start === null && owner !== null && isRunning(owner.boot, owner.pid, owner.start)) {
    // Between the two looks the supervisor may have written its record.
    return (await readStart(run)) === null ? { state: "starting" } : observeAttempt(run, key);
  }
  return judgeDead(run, key, start?.boot ?? owner?.boot ?? "");
}

/** Nobody who could write an exit record lives. Whoever wrote one did so before dying, so the files are read once more. */
async function judgeDead(run: RunDirectory, key: AttemptKey, boot: string): Promise<MachineAnswer> {
  const exit = await readExit(run, key);
  const start = await readStart(run);
  if (exit !== null) return { state: "exit", exit, start };
  if (start !== null && startIsAlive(start)) return { state: "running", start, logBytes: await sizeOf(run.log) };
  // A claim that was given back while we looked belongs to an attempt that found no slot.
  if (start === null && (await readOwner(run)) === null) return withoutClaim(run);
  return { state: "lost", proof: boot === bootToken() ? "supervisor_died" : "rebooted", start, at: Date.now() };
}

async function withoutClaim(run: RunDirectory): Promise<MachineAnswer> {
  const holder = await linkOrNull(run.busy);
  if (holder !== null) return { state: "busy", holder };
  return (await exists(run.path)) ? { state: "prepared" } : { state: "absent" };
}

const startIsAlive = (start: StartRecord): boolean =>
  isRunning(start.boot, start.supervisor, start.supervisor_start) ||
  isRunning(start.boot, start.watchdog, start.watchdog_start);

/** The start record; null when there is no whole one. */
export async function readStart(run: RunDirectory): Promise<StartRecord | null> {
  const text = await textOrNull(run.start);
  return text === null ? null : parseStartRecord(text);
}

async function readExit(run: RunDirectory, key: AttemptKey): Promise<ExitRecord | null> {
  const text = await textOrNull(run.exit);
  if (text !== null) return parseExitRecord(text);
  const link = await linkOrNull(run.exit);
  return link === null ? null : parseExitLink(link, key);
}

async function readOwner(run: RunDirectory): Promise<Owner | null> {
  const [boot, pid, start] = (await linkOrNull(run.claim))?.split("|") ?? [];
  return boot === undefined || start === undefined ? null : { boot, pid: Number(pid), start };
}

/** Nothing of that name is an answer; anything else (no permission, a broken disk) is the caller's to report. */
const unlessMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
};

const textOrNull = (path: string): Promise<string | null> => readFile(path, "utf8").catch(unlessMissing);
const linkOrNull = (path: string): Promise<string | null> =>
  readlink(path).catch((error: NodeJS.ErrnoException) => (error.code === "EINVAL" ? null : unlessMissing(error)));

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => unlessMissing(error) !== null,
  );

/** Bytes of a file; 0 when it is not there. */
export const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    (stats) => stats.size,
    (error: NodeJS.ErrnoException) => unlessMissing(error) ?? 0,
  );
