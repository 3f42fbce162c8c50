/** Copies scanned entries into a new directory: names byte by byte, links as links, of the modes only the execute bit. */
import { constants } from "node:fs";
import { chmod, copyFile, link, mkdir, symlink } from "node:fs/promises";
import { forEachBounded } from "./bounded.js";
import { joinBytes } from "./byte-path.js";
import type { ScannedEntry } from "./scan-tree.js";

export interface CopyOptions {
  /** Link files instead of copying them where the file system can: for sources that never change. Default false. */
  readonly hardLinks?: boolean;
  readonly signal?: AbortSignal;
}

const MODE = { directory: 0o700, file: 0o600, executable: 0o700 } as const;

/** Creates `destination` (which must not exist) and fills it. Answers whether every file could be linked. */
export async function copyTree(
  entries: readonly ScannedEntry[],
  source: string,
  destination: string,
  options: CopyOptions = {},
): Promise<{ readonly linked: boolean }> {
  await mkdir(destination, { mode: MODE.directory });
  const directories = entries.filter((entry) => entry.kind === "directory");
  // Parents first: a path is longer than its parent's.
  for (const level of byDepth(directories)) {
    await forEachBounded(level, (entry) => mkdir(joinBytes(destination, entry.path), { mode: MODE.directory }).then());
  }
  let linking = options.hardLinks === true;
  const place = async (entry: ScannedEntry): Promise<void> => {
    const [from, to] = [joinBytes(source, entry.path), joinBytes(destination, entry.path)];
    if (entry.kind === "directory") return;
    if (entry.kind === "link") return symlink(entry.target ?? Buffer.alloc(0), to);
    if (linking && (await tryLink(from, to))) return;
    linking = false;
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await chmod(to, MODE[entry.kind]);
  };
  await forEachBounded(entries, place, options.signal);
  return { linked: linking };
}

/** Other file systems, link limits and file systems without links: all mean that a copy is made. */
const tryLink = (from: Buffer, to: Buffer): Promise<boolean> =>
  link(from, to).then(
    () => true,
    () => false,
  );

function byDepth(directories: readonly ScannedEntry[]): readonly ScannedEntry[][] {
  const levels: ScannedEntry[][] = [];
  for (const entry of directories) {
    const depth = entry.path.reduce((count, byte) => count + (byte === 0x2f ? 1 : 0), 0);
    levels[depth] ??= [];
    levels[depth].push(entry);
  }
  return levels;
}
