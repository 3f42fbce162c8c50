/** Follows links by name alone, as the system would, in a list of entries that nobody has made yet. */
import type { ScannedEntry } from "../tree/scan-tree.js";

/** As many links as Linux follows before it gives up (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Whether the link at `path` stays inside when every link on its way is followed: `up/..` is not where it looks to be when
 * `up` is a link. A circle leads nowhere and stays inside.
 */
export function resolvesInside(entries: ReadonlyMap<string, ScannedEntry>, path: string): boolean {
  const parts = path.split("/");
  const at: string[] = [];
  let followed = 0;
  while (parts.length > 0) {
    const part = parts.shift() ?? "";
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (at.pop() === undefined) return false;
      continue;
    }
    const target = entries.get([...at, part].join("/"))?.target?.toString("latin1");
    if (target === undefined) {
      at.push(part);
      continue;
    }
    if (target.startsWith("/")) return false;
    followed += 1;
    if (followed > MOST_LINKS) return true;
    parts.unshift(...target.split("/"));
  }
  return true;
}
