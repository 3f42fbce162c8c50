/** Brings log and artifacts of an attempt to a folder of the dispatcher, verified against what the machine sealed. */
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import type { MachineAnswer } from "../../domain/machine.js";
import {
  countFiles,
  findBrought,
  finishBringing,
  isFile,
  keepingBrought,
  type Manifest,
  mustBeSealed,
  mustBeTheSealed,
  mustHaveHash,
  refusal,
  refuseLate,
  unsealed,
} from "../artifacts/brought-artifacts.js";
import { selectEntries, selectionOf } from "../artifacts/selection.js";
import type { Collected, CollectOptions } from "../machine-port.js";
import { forEachBounded } from "../tree/bounded.js";
import { joinBytes } from "../tree/byte-path.js";
import { copyTree } from "../tree/copy-tree.js";
import { temporaryName } from "../tree/freeze-tree.js";
import { hashFile } from "../tree/hash-tree.js";
import { type ScannedEntry, scanTree } from "../tree/scan-tree.js";
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
  options: CollectOptions = {},
): Promise<Collected> {
  await mkdir(destination, { recursive: true, mode: 0o700 });
  const logPath = resolve(destination, "log");
  await copyLog(run, destination, logPath);
  const brought = { logPath, artifactsPath: null, files: 0, bytes: 0, left: 0 };
  if (answer.state === "running" || answer.state === "starting") return brought;
  const sealed = answer.state === "exit" && !(await isLink(run.exit));
  const hash = sealed ? answer.exit.artifacts_manifest_hash : null;
  // What could not be sealed is brought whole or not at all.
  const selects = selectionOf(hash === null ? null : options.globs);
  const earlier = sealed && hash === null ? null : await findBrought(destination, hash, logPath, selects);
  if (earlier !== null) return earlier;
  const entries = await scanArtifacts(run, options.signal);
  if (hash === null && entries.length === 0) return brought;
  if (hash === null && sealed) return refuseLate(entries);
  const manifest = hash === null ? null : mustBeSealed(await readManifest(run), hash);
  if (manifest !== null) mustBeTheSealed(namesOf(entries), manifest.files);
  const wanted = selectEntries(entries, await keepingBrought(selects, destination));
  const artifactsPath = await bring(run, wanted, destination, manifest, options.signal);
  const files = countFiles(wanted);
  return { logPath, artifactsPath, ...files, left: entries.filter(isFile).length - files.files };
}

const namesOf = (entries: readonly ScannedEntry[]): readonly string[] =>
  entries.filter(isFile).map((entry) => entry.path.toString("latin1"));

/** @param sealed what the machine sealed; null: nothing, so the list is made here of what arrived. */
async function bring(
  run: RunDirectory,
  entries: readonly ScannedEntry[],
  destination: string,
  sealed: Manifest | null,
  signal?: AbortSignal,
): Promise<string> {
  const building = join(destination, temporaryName());
  try {
    await copyTree(entries, run.artifacts, building, { hardLinks: true, ...(signal && { signal }) });
    const found = await hashFiles(building, entries, signal);
    if (sealed !== null) for (const [name, hash] of found) mustHaveHash(name, hash, sealed.files);
    return await finishBringing(building, destination, sealed ?? unsealed(found));
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

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

const readManifest = (run: RunDirectory): Promise<Buffer> =>
  readFile(run.manifest).catch((cause: unknown) => {
    throw refusal("artifacts.manifest", "cannot be read", cause);
  });

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
