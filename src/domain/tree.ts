/**
 * The hash of a directory's content: equal trees hash equal on every system.
 *
 * An entry is its kind, its path and its content's hash or its link target; the execute bit counts, times and owners do
 * not. Paths are bytes, since a file name need not be UTF-8.
 */

export const TREE_ENTRY_KINDS = ["directory", "file", "executable", "link"] as const;
export type TreeEntryKind = (typeof TREE_ENTRY_KINDS)[number];

export interface TreeEntry {
  readonly kind: TreeEntryKind;
  /** Relative, with `/` between the parts. */
  readonly path: Uint8Array;
  /** Lower-case hex SHA-256 of a file's content as bytes, a link's target, or nothing. */
  readonly content: Uint8Array;
}

const MARK: Record<TreeEntryKind, number> = { directory: 0x64, file: 0x66, executable: 0x78, link: 0x6c };

/** Sorts by the bytes of the path, which no locale can change. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = Number(a[i]) - Number(b[i]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The bytes whose SHA-256 is the tree hash, in chunks. NUL cannot occur in a path, so it separates. */
export function* canonicalTree(entries: readonly TreeEntry[]): Generator<Uint8Array> {
  const zero = Uint8Array.of(0);
  for (const entry of [...entries].sort((a, b) => compareBytes(a.path, b.path))) {
    yield Uint8Array.of(MARK[entry.kind]);
    yield entry.path;
    yield zero;
    yield entry.content;
    yield zero;
  }
}

/** The reverse of `canonicalTree`; null for bytes that are none. */
export function parseCanonicalTree(bytes: Uint8Array): readonly TreeEntry[] | null {
  const entries: TreeEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const pathEnd = bytes.indexOf(0, at);
    const contentEnd = bytes.indexOf(0, pathEnd + 1);
    const mark = bytes[at];
    const kind = TREE_ENTRY_KINDS.find((candidate) => MARK[candidate] === mark);
    if (kind === undefined || pathEnd < 0 || contentEnd < 0) return null;
    entries.push({ kind, path: bytes.subarray(at + 1, pathEnd), content: bytes.subarray(pathEnd + 1, contentEnd) });
    at = contentEnd + 1;
  }
  return entries;
}

/**
 * Whether a link at `path` that points to `target` stays inside the tree. Judged by the names alone: an absolute target
 * leaves, and so does one with more `..` than the link is deep.
 */
export function linkStaysInside(path: string, target: string): boolean {
  if (target.startsWith("/")) return false;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return false;
  }
  return true;
}
