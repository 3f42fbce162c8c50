/** Computes the tree hash (`domain/tree.ts`) of a directory on this machine. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { WaybillError } from "../../domain/errors.js";
import { canonicalTree, type TreeEntry } from "../../domain/tree.js";
import { forEachBounded } from "./bounded.js";
import { joinBytes, showBytes } from "./byte-path.js";
import { type ScannedEntry, type ScanOptions, scanTree } from "./scan-tree.js";

export interface TreeFacts {
  /** Lower-case hex SHA-256. */
  readonly hash: string;
  readonly files: number;
  readonly bytes: number;
  readonly entries: readonly ScannedEntry[];
  /** What the hash was computed of, in no particular order. */
  readonly contents: readonly TreeEntry[];
}

/** Up to this size a file is read at once; beyond, in a stream, so that memory stays flat. */
const WHOLE_FILE_BYTES = 256 * 1024;

/** Lower-case hex SHA-256 of a file's content. */
export async function hashFile(path: Buffer | string, size: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  if (size <= WHOLE_FILE_BYTES) return hash.update(await readFile(path)).digest("hex");
  for await (const chunk of createReadStream(path, { highWaterMark: WHOLE_FILE_BYTES, signal })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** Scans and hashes `root`. Errors as `scanTree`. */
export async function hashTree(root: string, options: ScanOptions = {}): Promise<TreeFacts> {
  const entries = await scanTree(root, options);
  const contents: TreeEntry[] = new Array(entries.length);
  let files = 0;
  let bytes = 0;
  await forEachBounded(
    entries,
    async (entry, index) => {
      const isFile = entry.kind === "file" || entry.kind === "executable";
      if (isFile) [files, bytes] = [files + 1, bytes + entry.size];
      const content = isFile ? Buffer.from(await hashEntry(root, entry, options.signal)) : entry.target;
      contents[index] = { kind: entry.kind, path: entry.path, content: content ?? new Uint8Array() };
    },
    options.signal,
  );
  const hash = createHash("sha256");
  for (const chunk of canonicalTree(contents)) hash.update(chunk);
  return { hash: hash.digest("hex"), files, bytes, entries, contents };
}

async function hashEntry(root: string, entry: ScannedEntry, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await hashFile(joinBytes(root, entry.path), entry.size, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new WaybillError("invalid_tree", `Cannot read ${showBytes(entry.path)}: ${String(cause)}`, {
      hint: "Everything that travels must be readable and must stay there while it is read.",
      details: { path: showBytes(entry.path) },
      cause,
    });
  }
}
