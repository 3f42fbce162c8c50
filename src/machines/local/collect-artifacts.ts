/** Brings log and artifacts of an attempt to a folder of the dispatcher, verified against what the machine sealed. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import type { MachineAnswer } from "../../domain/machine.js";
import type { Collected } from "../machine-port.js";
import { forEachBounded } from "../tree/bounded.js";
import { joinBytes, showBytes } from "../tree/byte-path.js";
import { copyTree } from "../tree/copy-tree.js";
import { temporaryName } from "../tree/freeze-tree.js";
import { hashFile } from "../tree/hash-tree.js";
import { makeDurable } from "../tree/make-durable.js";
import { type ScannedEntry, scanTree } from "../tree/scan-tree.js";
import { formatManifest, parseManifest } from "./artifact-manifest.js";
import { sizeOf } from "./observe-attempt.js";
import type { RunDirectory } from "./run-directory.js";

/**
 * Copies `log`, `artifacts/` and `artifacts.manifest` into `destination`. Artifacts are linked where the file system can,
 * verified where they arrived, and get their name when they are whole; doing it again gives the same.
 *
 * Where the machine could seal nothing (no exit record, or one that is a link because the disk was full) they are brought
 * unverified, with hashes taken here. Of an attempt that runs only the log is brought.
 *
 * @param answer what the machine says of the attempt.
 * @throws `artifact_failed` naming the path: a hash that differs, a file that was not sealed, a link that leaves the
 *   folder, a socket, pipe or device. Then no artifact is brought at all; the log is.
 */
export async function collectArtifacts(
  run: RunDirectory,
  answer: MachineAnswer,
  destination: string,
  signal?: AbortSignal,
): Promise<Collected> {
  await mkdir(destination, { recursive: true, mode: 0o700 });
  const logPath = resolve(destination, "log");
  await copyLog(run, destination, logPath);
  const brought = { logPath, artifactsPath: null, files: 0, bytes: 0 };
  if (answer.state === "running" || answer.state === "starting") return brought;
  const sealed = answer.state === "exit" && !(await isLink(run.exit));
  const hash = sealed ? answer.exit.artifacts_manifest_hash : null;
  const earlier = sealed && hash === null ? null : await findCollected(destination, hash, logPath);
  if (earlier !== null) return earlier;
  const entries = await scanArtifacts(run, signal);
  if (hash === null) {
    if (entries.length === 0) return brought;
    if (!sealed) return bring(run, entries, destination, logPath, null, signal);
    throw refusal(showBytes(entries[0]?.path ?? Buffer.alloc(0)), "was written after the run had ended");
  }
  return bring(run, entries, destination, logPath, await readManifest(run, hash), signal);
}

interface Manifest {
  readonly text: Buffer;
  readonly files: ReadonlyMap<string, string>;
}

/** @param sealed what the machine sealed; null: nothing, so the list is made here of what arrived. */
async function bring(
  run: RunDirectory,
  entries: readonly ScannedEntry[],
  destination: string,
  logPath: string,
  sealed: Manifest | null,
  signal?: AbortSignal,
): Promise<Collected> {
  const building = join(destination, temporaryName());
  try {
    await copyTree(entries, run.artifacts, building, { hardLinks: true, ...(signal && { signal }) });
    const found = await hashFiles(building, entries, signal);
    if (sealed !== null) verify(found, sealed.files);
    const artifactsPath = resolve(destination, "artifacts");
    await rm(artifactsPath, { recursive: true, force: true });
    await rename(building, artifactsPath);
    // The machine's copy may be forgotten next, so ours must have reached the disk; the list, written last, says it has.
    await makeDurable(destination);
    await writeAtomically(join(destination, "artifacts.manifest"), sealed?.text ?? formatManifest(found));
    return { logPath, artifactsPath, ...countFiles(entries) };
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * What an earlier collection has brought whole, also when the machine has forgotten it since.
 *
 * @param expected the hash of the sealed list; null: none was sealed, and any list says that all had arrived.
 */
async function findCollected(destination: string, expected: string | null, logPath: string): Promise<Collected | null> {
  const list = await readFile(join(destination, "artifacts.manifest")).catch(() => null); // Nothing brought yet.
  if (list === null) return null;
  if (expected !== null && createHash("sha256").update(list).digest("hex") !== expected) return null;
  const artifactsPath = resolve(destination, "artifacts");
  const entries = await scanTree(artifactsPath, { ignoring: false }).catch(() => null); // Removed since: bring it again.
  return entries === null ? null : { logPath, artifactsPath, ...countFiles(entries) };
}

const countFiles = (entries: readonly ScannedEntry[]): Pick<Collected, "files" | "bytes"> => {
  const files = entries.filter(isFile);
  return { files: files.length, bytes: files.reduce((sum, entry) => sum + entry.size, 0) };
};

const isFile = (entry: ScannedEntry): boolean => entry.kind === "file" || entry.kind === "executable";

const refusal = (path: string, why: string, cause?: unknown): WaybillError =>
  new WaybillError("artifact_failed", `Artifact ${path} ${why}; none was brought.`, {
    hint: "The run's outcome stands. Look at the files on the machine, or run it again.",
    details: { path },
    cause,
  });

/** A log that was forgotten or never begun counts as empty, unless an earlier collection has brought it. */
async function copyLog(run: RunDirectory, destination: string, logPath: string): Promise<void> {
  await copyWhole(run.logTimes, destination, `${logPath}.times`);
  const there = await copyWhole(run.log, destination, logPath);
  if (!there && (await sizeOf(logPath)) === 0) await writeFile(logPath, "", { mode: 0o600 });
}

/** @returns false when there is no such file, or none any more */
async function copyWhole(from: string, destination: string, to: string): Promise<boolean> {
  const fresh = join(destination, temporaryName());
  try {
    await copyFile(from, fresh, constants.COPYFILE_FICLONE);
    await reachDisk(fresh);
    await rename(fresh, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  } finally {
    await rm(fresh, { force: true });
  }
}

async function reachDisk(path: string): Promise<void> {
  const file = await open(path, "r+");
  await file.sync().finally(() => file.close());
}

async function scanArtifacts(run: RunDirectory, signal?: AbortSignal): Promise<readonly ScannedEntry[]> {
  const stats = await lstat(run.artifacts).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (stats === null) return [];
  if (!stats.isDirectory()) throw refusal("artifacts", "is no longer the folder that the program was given");
  try {
    return await scanTree(run.artifacts, { ignoring: false, ...(signal && { signal }) });
  } catch (cause) {
    if (!(cause instanceof WaybillError)) throw cause;
    throw refusal(String(cause.details.path), `cannot be brought (${cause.message})`, cause);
  }
}

const isLink = (path: string): Promise<boolean> => lstat(path).then((stats) => stats.isSymbolicLink());

async function readManifest(run: RunDirectory, expected: string): Promise<Manifest> {
  const text = await readFile(run.manifest).catch((cause: unknown) => {
    throw refusal("artifacts.manifest", "cannot be read", cause);
  });
  const found = createHash("sha256").update(text).digest("hex");
  const files = parseManifest(text);
  if (found === expected && files !== null) return { text, files };
  throw refusal("artifacts.manifest", `has hash ${found}, expected ${expected} as in the exit record`);
}

/** The hashes of what arrived, by path as latin1 text. */
async function hashFiles(
  folder: string,
  entries: readonly ScannedEntry[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  await forEachBounded(
    entries.filter(isFile),
    async (entry) => {
      const hash = await hashFile(joinBytes(folder, entry.path), entry.size, signal);
      hashes.set(entry.path.toString("latin1"), hash);
    },
    signal,
  );
  return hashes;
}

function verify(found: ReadonlyMap<string, string>, sealed: ReadonlyMap<string, string>): void {
  const show = (name: string): string => showBytes(Buffer.from(name, "latin1"));
  for (const [name, hash] of found) {
    const expected = sealed.get(name);
    if (expected === undefined) throw refusal(show(name), "was not there when the run ended");
    if (hash !== expected) throw refusal(show(name), `has hash ${hash}, expected ${expected}`);
  }
  for (const name of sealed.keys()) if (!found.has(name)) throw refusal(show(name), "has disappeared");
}

async function writeAtomically(path: string, content: Buffer): Promise<void> {
  const fresh = `${path}.${temporaryName()}`;
  await writeFile(fresh, content, { mode: 0o600 });
  await rename(fresh, path);
}
