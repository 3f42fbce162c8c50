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
  const paths = new Set<string>();
  for (const glob of globs) {
    let found = 0;
    for await (const path of filesOf(cwd, glob)) {
      signal?.throwIfAborted();
      paths.add(path);
      found += 1;
    }
    if (found === 0) throw namesNothing(glob);
  }
  const files: KeyFile[] = [];
  const hashOne = async (path: string): Promise<void> => {
    const full = join(cwd, path);
    const hash = stat(full).then(({ size }) => hashFile(full, size, signal));
    files.push({ path, hash: await hash.catch(unreadable(path, signal)) });
  };
  await forEachBounded([...paths], hashOne, signal);
  return files;
}

/** Paths relative to the working directory, with `/`. Looks below the part of the glob that has no magic in it. */
async function* filesOf(cwd: string, glob: string): AsyncGenerator<string, void> {
  const pattern = fromDirectory(cwd, glob);
  const matcher = ignore({ ignorecase: false }).add(`/${pattern}`);
  const names = pattern.split("/");
  const firstMagic = names.findIndex((name) => /[*?[\\]/.test(name));
  const start = names.slice(0, firstMagic < 0 ? undefined : firstMagic).join("/");
  // What is not there is told by the glob, which then names nothing.
  const found = await stat(join(cwd, start)).catch(() => null);
  if (found?.isFile()) yield start;
  if (!found?.isDirectory()) return;
  for await (const path of filesBelow(cwd, start)) if (matcher.ignores(path)) yield path;
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

async function* filesBelow(cwd: string, path: string): AsyncGenerator<string, void> {
  const entries = await readdir(join(cwd, path), { withFileTypes: true }).catch(unreadable(path));
  for (const entry of entries) {
    const below = posix.join(path, entry.name);
    if (!entry.isDirectory()) {
      if (entry.isFile() || (await leadsToFile(cwd, below, entry))) yield below;
    } else if (entry.name !== ".git") yield* filesBelow(cwd, below);
  }
}

/** A link to a directory is left alone: it could lead round in circles. One that leads nowhere is as if it were not there. */
const leadsToFile = async (cwd: string, path: string, entry: Dirent): Promise<boolean> =>
  entry.isSymbolicLink() && (await stat(join(cwd, path)).catch(() => null))?.isFile() === true;

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
