import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import { copyTree } from "../tree/copy-tree.js";
import { isDirectory, renameUnlessThere, temporaryName } from "../tree/freeze-tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";
import { hashTree } from "../tree/hash-tree.js";
import { makeDurable } from "../tree/make-durable.js";
import { scanTree } from "../tree/scan-tree.js";
import { machineTreesDir } from "./run-directory.js";

/**
 * Puts a frozen tree into the machine's `trees/`, verified there before it gets its name; a tree that has its name was
 * verified and is left alone. Frozen files never change, so they are linked where the file system can.
 *
 * @throws `upload_failed` when what arrived has another hash, or cannot be written.
 */
export async function placeTree(workDir: string, tree: FrozenTree, signal?: AbortSignal): Promise<void> {
  const trees = machineTreesDir(workDir);
  const path = join(trees, tree.hash);
  if (await isDirectory(path)) return;
  await mkdir(trees, { recursive: true, mode: 0o700 });
  const building = join(trees, temporaryName());
  const options = { ignoring: false, ...(signal && { signal }) };
  try {
    const entries = await scanTree(tree.path, options);
    const { linked } = await copyTree(entries, tree.path, building, { hardLinks: true, ...(signal && { signal }) });
    const arrived = await hashTree(building, options);
    if (arrived.hash !== tree.hash) throw mismatch(tree, arrived.hash);
    // Links share data that freezing has made durable already.
    if (!linked) await makeDurable(building);
    await renameUnlessThere(building, path);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof WaybillError && cause.code === "invalid_tree") {
      throw new WaybillError("upload_failed", `The frozen copy of the directory is damaged: ${cause.message}`, {
        cause,
      });
    }
    throw cause;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

const mismatch = (tree: FrozenTree, found: string): WaybillError =>
  new WaybillError("upload_failed", `The tree arrived with hash ${found}, expected ${tree.hash}.`, {
    hint: `A file of the frozen copy changed. Remove ${tree.path} and submit the directory again.`,
    details: { expected: tree.hash, found },
  });
