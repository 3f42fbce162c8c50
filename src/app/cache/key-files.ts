/** Finds the files that the result of a command depends on, by globs, and hashes their contents. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, posix, relative, resolve } from "node:path";
import ignore from "ignore";
import type { KeyFile } from "../../domain/cached-run.js";
import { WaybillError } from "../../domain/errors.js";
import { forEachBounded } from "../../machines/tree/bounded.js";
import { hashFile } from "../../machines/tree/hash-tree.js";

/**
 * The files below `cwd` that `globs` name, in the syntax of git's patterns from the working directory on: `*` stays within a
 * name, `**` does not, a directory means all in it. `.git` never counts. A link counts as the file that it leads to; one that
 * leads to a directory is not followed.
 *
 * Errors: `invalid_input` for a glob that leads out of `cwd` or names no file, and for a file that cannot be read.
 */
export async function hashKeyFiles(cwd: string, globs: readonly string[], signal?: AbortSignal): Promise<KeyFile[]> {
  const sizes = new Map<string, number>();
  for (const glob of globs) {
    let found = 0;
    for await (const { path, size } of filesOf(cwd, glob)) {
      signal?.throwIfAborted();
      sizes.set(path, size);
      found += 1;
    }
    if (found === 0) throw namesNothing(glob);
  }
  const files: KeyFile[] = [];
  const hashOne = async ([path, size]: [string, number]): Promise<void> => {
    files.push({ path, hash: await hashFile(join(cwd, path), size, signal).catch(unreadable(path, signal)) });
  };
  await forEachBounded([...sizes], hashOne, signal);
  return files;
}

interface FoundFile {
  /** Relative to the working directory, with `/`. */
  readonly path: string;
  readonly size: number;
}

async function* filesOf(cwd: string, glob: string): AsyncGenerator<FoundFile, void> {
  const pattern = fromDirectory(cwd, glob);
  const matcher = ignore({ ignorecase: false }).add(`/${pattern}`);
  const plain = pattern.split("/");
  const firstMagic = plain.findIndex((name) => /[*?[\\]/.test(name));
  const start = plain.slice(0, firstMagic < 0 ? undefined : firstMagic).join("/");
  for await (const file of filesBelow(cwd, start)) if (matcher.ignores(file.path)) yield file;
}

/** The glob as seen from the working directory. */
function fromDirectory(cwd: string, glob: string): string {
  const path = posix.normalize(relative(cwd, resolve(cwd, glob)));
  if (path === ".") return "**";
  if (path !== ".." && !path.startsWith("../")) return path;
  throw new WaybillError("invalid_input", `${JSON.stringify(glob)} leads out of the working directory ${cwd}.`, {
    hint: "Call it from a directory that has all key files below it; --key adds what is not a file.",
    details: { glob },
  });
}

async function* filesBelow(cwd: string, path: string): AsyncGenerator<FoundFile, void> {
  const found = await stat(join(cwd, path)).catch(() => null);
  // Not there, or a link to nowhere: what is missing is told by the glob that then names nothing, or by a shorter list.
  if (found === null) return;
  if (found.isFile()) yield { path, size: found.size };
  if (!found.isDirectory()) return;
  for (const entry of await entriesOf(cwd, path)) {
    const below = posix.join(path, entry.name);
    if (entry.name === ".git" || (await leadsToDirectory(cwd, below, entry))) continue;
    yield* filesBelow(cwd, below);
  }
}

const entriesOf = (cwd: string, path: string): Promise<Dirent[]> =>
  readdir(join(cwd, path), { withFileTypes: true }).catch(unreadable(path));

/** Followed, it could lead round in circles. */
async function leadsToDirectory(cwd: string, path: string, entry: Dirent): Promise<boolean> {
  return entry.isSymbolicLink() && (await stat(join(cwd, path)).catch(() => null))?.isDirectory() === true;
}

const namesNothing = (glob: string): WaybillError =>
  new WaybillError("invalid_input", `${JSON.stringify(glob)} names no file.`, {
    hint: "A key that misses a file would not see it change. Quote globs, so that the shell leaves them alone.",
    details: { glob },
  });

const unreadable =
  (path: string, signal?: AbortSignal) =>
  (cause: NodeJS.ErrnoException): never => {
    signal?.throwIfAborted();
    throw new WaybillError("invalid_input", `The key file ${path} cannot be read: ${cause.code ?? cause.message}.`, {
      cause,
      details: { path },
    });
  };
