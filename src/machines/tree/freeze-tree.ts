/** Freezes a directory at submit: what runs is what was hashed, whatever happens to the original afterwards. */
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isDiskFull } from "../../domain/disk-full.js";
import { WaybillError } from "../../domain/errors.js";
import { copyTree } from "./copy-tree.js";
import type { FrozenTree } from "./frozen-tree.js";
import { hashTree, type TreeFacts } from "./hash-tree.js";
import { makeDurable } from "./make-durable.js";
import { saveManifest } from "./tree-manifest.js";

let made = 0;

/** A name for work in progress that no other process and no other call uses. */
export function temporaryName(): string {
  made += 1;
  return `.tmp.${process.pid}.${made}.${Date.now().toString(36)}`;
}

/**
 * Makes an immutable copy of `dir` under its hash in `treesDir`, or finds the one that is there.
 *
 * The hash is taken of the copy, so that a file which changes while it is copied cannot give a tree a wrong name.
 * Errors: `invalid_tree` (what cannot travel, with its path), `disk_full`, `store_unwritable`.
 */
export async function freezeTree(dir: string, treesDir: string, signal?: AbortSignal): Promise<FrozenTree> {
  const source = resolve(dir);
  const seen = await hashTree(source, { ...(signal && { signal }) });
  const existing = join(resolve(treesDir), seen.hash);
  if (await isDirectory(existing)) return frozen(seen, existing);
  const building = join(resolve(treesDir), temporaryName());
  try {
    await mkdir(treesDir, { recursive: true, mode: 0o700 });
    await copyTree(seen.entries, source, building, { ...(signal && { signal }) });
    const copied = await hashTree(building, { ignoring: false, ...(signal && { signal }) });
    await makeDurable(building);
    const path = join(resolve(treesDir), copied.hash);
    await renameUnlessThere(building, path);
    await saveManifest(path, copied.contents);
    return frozen(copied, path);
  } catch (cause) {
    signal?.throwIfAborted();
    throw explain(cause, dir, resolve(treesDir));
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** Renames a finished directory into place. Losing the race is success: the other's content has the same hash. */
export async function renameUnlessThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

const frozen = ({ hash, files, bytes }: TreeFacts, path: string): FrozenTree => ({ hash, path, files, bytes });

export const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

const REFUSED = ["EROFS", "EACCES", "EPERM"];

function explain(cause: unknown, dir: string, treesDir: string): unknown {
  const { code, path } = cause as NodeJS.ErrnoException;
  if (isDiskFull(code)) {
    return new WaybillError("disk_full", `There is no space left for a copy of ${dir}.`, {
      hint: "Free some space, or leave large files out with .waybillignore.",
      cause,
    });
  }
  if (code === "ENOENT") {
    return new WaybillError("invalid_tree", `${dir} changed while it was copied: ${String(cause)}`, {
      hint: "Submit it again when nothing writes to it.",
      cause,
    });
  }
  if (code !== undefined && REFUSED.includes(code) && path?.startsWith(treesDir) === true) {
    return new WaybillError("store_unwritable", `There can be no copy of ${dir} in ${treesDir} (${code}).`, {
      hint: "Check who may write there and whether the file system is read-only, or choose another WAYBILL_HOME.",
      details: { path: treesDir, errno: code },
      cause,
    });
  }
  return cause;
}
