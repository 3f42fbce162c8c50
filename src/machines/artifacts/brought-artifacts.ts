/** The folder that artifacts are brought to, the same whichever machine they come from: `artifacts/` and the list of hashes. */
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import type { Collected } from "../machine-port.js";
import { showBytes } from "../tree/byte-path.js";
import { temporaryName } from "../tree/freeze-tree.js";
import { makeDurable } from "../tree/make-durable.js";
import { type ScannedEntry, scanTree } from "../tree/scan-tree.js";
import { formatManifest, parseManifest } from "./artifact-manifest.js";
import { type Selection, showName } from "./selection.js";

/** Hashes by path, as a list of them said. */
export interface Manifest {
  readonly text: Buffer;
  readonly files: ReadonlyMap<string, string>;
}

const LIST = "artifacts.manifest";

export const isFile = (entry: ScannedEntry): boolean => entry.kind === "file" || entry.kind === "executable";

/** @param sealed the hash in the exit record. @throws `artifact_failed` for a list that is not the one it is the hash of. */
export function mustBeSealed(text: Buffer, sealed: string): Manifest {
  const found = createHash("sha256").update(text).digest("hex");
  const files = parseManifest(text);
  if (found === sealed && files !== null) return { text, files };
  throw refusal(LIST, `has hash ${found}, expected ${sealed} as in the exit record`);
}

/** A list made of hashes that were taken when nothing had been sealed. */
export const unsealed = (files: ReadonlyMap<string, string>): Manifest => ({ text: formatManifest(files), files });

/**
 * What an earlier collection has brought whole, also when the machine has forgotten it since.
 *
 * @param expected the hash of the sealed list; null: none was sealed, and any list says that all had arrived.
 */
export async function findBrought(
  destination: string,
  expected: string | null,
  logPath: string,
  selects: Selection,
): Promise<Collected | null> {
  const text = await readFile(join(destination, LIST)).catch(() => null); // Nothing brought yet.
  const files = text === null ? null : parseManifest(text);
  if (text === null || files === null) return null;
  if (expected !== null && createHash("sha256").update(text).digest("hex") !== expected) return null;
  const artifactsPath = resolve(destination, "artifacts");
  const entries = await scanTree(artifactsPath, { ignoring: false }).catch(() => null); // Removed since: bring it again.
  if (entries === null) return null;
  const here = new Set(entries.filter(isFile).map((entry) => entry.path.toString("latin1")));
  for (const name of files.keys()) if (selects(Buffer.from(name, "latin1")) && !here.has(name)) return null;
  return { logPath, artifactsPath, ...countFiles(entries), left: files.size - here.size };
}

/** The selection, and with it what an earlier collection brought and what bringing more must not lose. */
export async function keepingBrought(selects: Selection, destination: string): Promise<Selection> {
  const entries = await scanTree(join(destination, "artifacts"), { ignoring: false }).catch(() => []); // Nothing brought yet.
  const here = new Set(entries.map((entry) => entry.path.toString("latin1")));
  return (path) => selects(path) || here.has(path.toString("latin1"));
}

/** Gives what was built whole its name. The list is written last: it says that all it names, or all that was asked, is here. */
export async function finishBringing(building: string, destination: string, manifest: Manifest): Promise<string> {
  const artifactsPath = resolve(destination, "artifacts");
  await rm(artifactsPath, { recursive: true, force: true });
  await rename(building, artifactsPath);
  // The machine's copy may be forgotten next, so ours must have reached the disk.
  await makeDurable(destination);
  const list = join(destination, LIST);
  const fresh = `${list}.${temporaryName()}`;
  await writeFile(fresh, manifest.text, { mode: 0o600 });
  await rename(fresh, list);
  return artifactsPath;
}

export const countFiles = (entries: readonly ScannedEntry[]): Pick<Collected, "files" | "bytes"> => {
  const files = entries.filter(isFile);
  return { files: files.length, bytes: files.reduce((sum, entry) => sum + entry.size, 0) };
};

/** @throws `artifact_failed` unless exactly the files that were sealed are there. */
export function mustBeTheSealed(names: Iterable<string>, sealed: ReadonlyMap<string, string>): void {
  const found = new Set(names);
  for (const name of found) if (!sealed.has(name)) throw refusal(showName(name), "was not there when the run ended");
  for (const name of sealed.keys()) if (!found.has(name)) throw refusal(showName(name), "has disappeared");
}

/** @throws `artifact_failed` for a content that is not the one that was sealed. */
export function mustHaveHash(name: string, found: string, sealed: ReadonlyMap<string, string>): void {
  const expected = sealed.get(name);
  if (found !== expected) throw refusal(showName(name), `has hash ${found}, expected ${expected}`);
}

/** @throws `artifact_failed`, always: the run had left nothing when it ended, and now there is something. */
export function refuseLate(entries: readonly ScannedEntry[]): never {
  throw refusal(showBytes(entries[0]?.path ?? Buffer.alloc(0)), "was written after the run had ended");
}

export const refusal = (path: string, why: string, cause?: unknown): WaybillError =>
  new WaybillError("artifact_failed", `Artifact ${path} ${why}; none was brought.`, {
    hint: "The run's outcome stands. Look at the files on the machine, or run it again.",
    details: { path },
    cause,
  });
