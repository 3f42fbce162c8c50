/** What differs between two trees, so that files which a machine has are not sent again. */
import { compareBytes, type TreeEntry } from "../../domain/tree.js";

export interface TreeDelta {
  /** Paths of the base that are not in the tree, or are something else there; a directory stands for all below it. */
  readonly gone: readonly Uint8Array[];
  /** Entries of the tree that are not in the base, or are something else there. */
  readonly fresh: readonly TreeEntry[];
}

const SLASH = 0x2f;
/** Keeps every byte apart, so that paths that are not UTF-8 are told apart as well. */
const keyOf = (path: Uint8Array): string => Buffer.from(path).toString("latin1");

/** The steps from `base` to `tree`: first remove `gone`, then add `fresh`. */
export function deltaOf(base: readonly TreeEntry[], tree: readonly TreeEntry[]): TreeDelta {
  const before = new Map(base.map((entry) => [keyOf(entry.path), entry]));
  const after = new Map(tree.map((entry) => [keyOf(entry.path), entry]));
  const gone = base.filter((entry) => !isSame(entry, after.get(keyOf(entry.path))));
  return {
    gone: topmost(gone.map(({ path }) => path)),
    fresh: tree.filter((entry) => !isSame(entry, before.get(keyOf(entry.path)))),
  };
}

const isSame = (one: TreeEntry, other: TreeEntry | undefined): boolean =>
  other !== undefined && one.kind === other.kind && compareBytes(one.content, other.content) === 0;

/** Without the paths that lie below another one of them. */
function topmost(paths: readonly Uint8Array[]): readonly Uint8Array[] {
  const all = new Set(paths.map(keyOf));
  return paths.filter((path) => {
    for (let end = path.indexOf(SLASH); end >= 0; end = path.indexOf(SLASH, end + 1)) {
      if (all.has(keyOf(path.subarray(0, end)))) return false;
    }
    return true;
  });
}
