/** Lists what a directory holds and what belongs to its tree, without reading contents. */
import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { WaybillError } from "../../domain/errors.js";
import { linkStaysInside, type TreeEntryKind } from "../../domain/tree.js";
import { forEachBounded } from "./bounded.js";
import { joinBytes, showBytes } from "./byte-path.js";

/** One thing in a directory that belongs to its tree. */
export interface ScannedEntry {
  readonly kind: TreeEntryKind;
  /** Relative to the tree's root. */
  readonly path: Buffer;
  /** Bytes of a file; 0 for anything else. */
  readonly size: number;
  /** Where a link points; null for anything else. */
  readonly target: Buffer | null;
}

export interface ScanOptions {
  /** Leave out `.git` and what `.waybillignore` names. False for a copy, which holds only what belongs. Default true. */
  readonly ignoring?: boolean;
  readonly signal?: AbortSignal;
}

/** The file, in git's syntax, that names what stays behind. */
export const IGNORE_FILE = ".waybillignore";

/**
 * Walks `root` and returns its entries in no particular order.
 *
 * @throws `invalid_tree` naming the path: not a readable directory; a link that leaves it; a socket, pipe or device.
 */
export async function scanTree(root: string, options: ScanOptions = {}): Promise<readonly ScannedEntry[]> {
  await requireDirectory(root);
  const rules = options.ignoring === false ? null : await readRules(root);
  const entries: ScannedEntry[] = [];
  let level: Buffer[] = [Buffer.alloc(0)];
  while (level.length > 0) {
    const below: Buffer[] = [];
    await forEachBounded(
      level,
      async (directory) => {
        const found = await listDirectory(root, directory);
        for (const dirent of found) {
          const path = joinBytes(directory, dirent.name);
          if (rules?.(path, dirent.isDirectory()) === true) continue;
          if (dirent.isDirectory()) {
            entries.push({ kind: "directory", path, size: 0, target: null });
            below.push(path);
          } else entries.push(UNSEEN(path));
        }
      },
      options.signal,
    );
    level = below;
  }
  await forEachBounded(
    entries,
    async (entry, index) => {
      if (entry.kind !== "directory") entries[index] = await examine(root, entry.path);
    },
    options.signal,
  );
  return entries;
}

/** Holds the place of an entry that was listed and is looked at next. */
const UNSEEN = (path: Buffer): ScannedEntry => ({ kind: "file", path, size: 0, target: null });

async function requireDirectory(root: string): Promise<void> {
  const stats = await lstatOrNull(Buffer.from(root));
  // The root itself may be reached through a link; only links inside travel with the tree.
  const isDirectory = stats?.isDirectory() === true || (stats?.isSymbolicLink() === true && (await isListable(root)));
  if (isDirectory) return;
  const found = stats === null ? "there is nothing of that name" : "it is not a directory";
  throw new WaybillError("invalid_tree", `Cannot take the directory ${root}: ${found}.`, {
    hint: "Name a directory that exists and that you may read.",
    details: { path: root },
  });
}

const isListable = (root: string): Promise<boolean> =>
  readdir(root).then(
    () => true,
    () => false,
  );

const lstatOrNull = (path: Buffer): Promise<BigIntStats | null> => lstat(path, { bigint: true }).catch(() => null);

async function listDirectory(root: string, directory: Buffer): Promise<readonly Dirent<Buffer>[]> {
  try {
    return await readdir(joinBytes(root, directory), { withFileTypes: true, encoding: "buffer" });
  } catch (cause) {
    throw unreadable(directory, cause);
  }
}

async function examine(root: string, path: Buffer): Promise<ScannedEntry> {
  const full = joinBytes(root, path);
  try {
    const stats = await lstat(full);
    if (stats.isFile()) {
      const kind = (stats.mode & 0o100) === 0 ? "file" : "executable";
      return { kind, path, size: stats.size, target: null };
    }
    if (stats.isSymbolicLink()) {
      return { kind: "link", path, size: 0, target: insideOnly(path, await readlink(full, { encoding: "buffer" })) };
    }
  } catch (cause) {
    if (cause instanceof WaybillError) throw cause;
    throw unreadable(path, cause);
  }
  throw new WaybillError("invalid_tree", `Cannot take ${showBytes(path)}: it is neither file, directory nor link.`, {
    hint: `Sockets, pipes and devices do not travel. Remove it, or name it in ${IGNORE_FILE}.`,
    details: { path: showBytes(path) },
  });
}

function insideOnly(path: Buffer, target: Buffer): Buffer {
  // latin1 keeps every byte apart, so that the judgement is about bytes and not about their decoding.
  if (linkStaysInside(path.toString("latin1"), target.toString("latin1"))) return target;
  throw new WaybillError(
    "invalid_tree",
    `Cannot take the link ${showBytes(path)}: it points to ${showBytes(target)}, which is outside the directory.`,
    { hint: `Copy what it points to, or name the link in ${IGNORE_FILE}.`, details: { path: showBytes(path) } },
  );
}

const unreadable = (path: Buffer, cause: unknown): WaybillError =>
  new WaybillError("invalid_tree", `Cannot read ${showBytes(path) || "the directory"}: ${String(cause)}`, {
    hint: `Everything that travels must be readable; name what should stay in ${IGNORE_FILE}.`,
    details: { path: showBytes(path) },
    cause,
  });

type Rules = (path: Buffer, isDirectory: boolean) => boolean;

async function readRules(root: string): Promise<Rules> {
  const text = await readFile(join(root, IGNORE_FILE), "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return "";
    throw unreadable(Buffer.from(IGNORE_FILE), cause);
  });
  const named: Ignore | null = text.trim() === "" ? null : ignore({ ignorecase: false }).add(text);
  return (path, isDirectory) => {
    const name = showBytes(path);
    if (name === ".git" || name.endsWith("/.git")) return true;
    return named?.ignores(isDirectory ? `${name}/` : name) === true;
  };
}
