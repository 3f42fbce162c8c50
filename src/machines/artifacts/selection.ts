/** Which artifacts are brought: those that one of the globs names, in git's syntax (`**`, `dir/`, `!except`). */
import ignore from "ignore";
import { showBytes } from "../tree/byte-path.js";
import type { ScannedEntry } from "../tree/scan-tree.js";

/** Whether what lies at a path is brought. */
export type Selection = (path: Buffer) => boolean;

/** @param globs null: everything. */
export function selectionOf(globs: readonly string[] | null | undefined): Selection {
  if (globs === null || globs === undefined) return () => true;
  const named = ignore({ ignorecase: false }).add([...globs]);
  return (path) => named.ignores(showBytes(path));
}

/** The selected entries, with the directories that lead to them; of directories that hold nothing selected, those that a glob names. */
export function selectEntries(entries: readonly ScannedEntry[], selects: Selection): readonly ScannedEntry[] {
  const chosen = entries.filter((entry) => selects(entry.path));
  const above = new Set<string>();
  for (const { path } of chosen) for (const parent of parentsOf(path.toString("latin1"))) above.add(parent);
  const missing = entries.filter(
    (entry) => entry.kind === "directory" && above.has(entry.path.toString("latin1")) && !selects(entry.path),
  );
  return [...missing, ...chosen];
}

/** The directories above a path, nearest first, without the root. */
export function parentsOf(path: string): readonly string[] {
  const parents: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) parents.push(path.slice(0, at));
  return parents;
}

/** A path that was kept as latin1 text, so that every byte stays apart, to show to people. */
export const showName = (name: string): string => showBytes(Buffer.from(name, "latin1"));
