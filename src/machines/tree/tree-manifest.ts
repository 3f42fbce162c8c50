/**
 * What a frozen tree holds, kept in a file beside it: the very bytes that the tree hash is the SHA-256 of, so that the
 * file proves itself.
 */
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { WaybillError } from "../../domain/errors.js";
import { canonicalTree, parseCanonicalTree, type TreeEntry } from "../../domain/tree.js";
import type { FrozenTree } from "./frozen-tree.js";
import { hashTree } from "./hash-tree.js";

export const manifestPath = (treePath: string): string => `${treePath}.manifest`;

let saved = 0;

/** Keeps a tree's manifest. Without it the tree is hashed again when it is next needed, so failing is no failure. */
export async function saveManifest(treePath: string, contents: readonly TreeEntry[]): Promise<void> {
  saved += 1;
  const fresh = `${manifestPath(treePath)}.${process.pid}.${saved}`;
  try {
    await writeFile(fresh, Buffer.concat([...canonicalTree(contents)]), { mode: 0o600 });
    await rename(fresh, manifestPath(treePath));
  } catch {
    // A full or read-only disk: see above. Whatever half of it there is goes, if it can.
    await rm(fresh, { force: true }).catch(() => undefined);
  }
}

/** The entries of a tree whose manifest is here and whole; null when it is not. */
export async function readManifest(treePath: string, hash: string): Promise<readonly TreeEntry[] | null> {
  const bytes = await readFile(manifestPath(treePath)).catch(() => null); // Missing or unreadable: made anew by who needs it.
  if (bytes === null || createHash("sha256").update(bytes).digest("hex") !== hash) return null;
  return parseCanonicalTree(bytes);
}

/**
 * The entries of a frozen tree, from its manifest or else from the tree itself.
 *
 * @throws `upload_failed` when the frozen copy no longer has its hash.
 */
export async function entriesOf(tree: FrozenTree, signal?: AbortSignal): Promise<readonly TreeEntry[]> {
  const kept = await readManifest(tree.path, tree.hash);
  if (kept !== null) return kept;
  const facts = await hashTree(tree.path, { ignoring: false, ...(signal && { signal }) }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw damaged(tree, String(cause instanceof Error ? cause.message : cause), cause);
  });
  if (facts.hash !== tree.hash) throw damaged(tree, `it has the hash ${facts.hash}, expected ${tree.hash}`);
  await saveManifest(tree.path, facts.contents);
  return facts.contents;
}

/** What is frozen here is not what was hashed. */
export function damaged(tree: FrozenTree, found: string, cause?: unknown): WaybillError {
  return new WaybillError("upload_failed", `The frozen copy of the directory is damaged: ${found}.`, {
    hint: `Remove ${tree.path} and submit the directory again.`,
    details: { path: tree.path, expected: tree.hash },
    cause,
  });
}
