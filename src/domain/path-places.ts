/**
 * Where paths are looked for. Two paths can only have something in common where one begins at a place on the way to the
 * other's begin, or beneath it.
 */
import { type PathMode, type PathPattern, type PathScope, plainBegin, readPattern } from "./path-scope.js";

/** Segments of a place. What begins deeper is kept at the last place on its way: there it is compared like everything else. */
export const DEEPEST_PLACE = 16;

export interface Places {
  /** Where it begins: the segments that stand for themselves, with `/` between them; empty for the root. */
  readonly at: string;
  /** The places on the way there, from the root on. */
  readonly above: readonly string[];
  /** Whether it stands for everything beneath where it begins, for some of that, or for nothing there. */
  readonly beneath: "all" | "some" | "none";
}

export function placesOf(pattern: PathPattern): Places {
  const begin = plainBegin(pattern);
  const segments = begin.slice(0, DEEPEST_PLACE);
  const above = segments.map((_, depth) => segments.slice(0, depth).join("/"));
  return { at: segments.join("/"), above, beneath: beneathOf(pattern, begin) };
}

function beneathOf({ head, middle, tail }: PathPattern, begin: readonly string[]): Places["beneath"] {
  if (tail === null && head.length === begin.length) return "none";
  const isAll = head.length === begin.length && middle.length === 0 && tail?.length === 0;
  return isAll && begin.length <= DEEPEST_PLACE ? "all" : "some";
}

/** What is known of a place: that a pattern begins there, or (null) that some begin beneath. */
export interface Spot {
  readonly mode: PathMode;
  readonly space: string;
  readonly place: string;
  readonly pattern: string | null;
}

/** What somebody who has these paths is to be found by; each once. */
export function spotsOf(scopes: readonly PathScope[]): readonly Spot[] {
  const byKey = new Map<string, Spot>();
  const note = (spot: Spot): unknown => byKey.set(keyOf(spot), spot);
  for (const { mode, space, pattern } of scopes) {
    const { at, above } = placesOf(readPattern(pattern));
    note({ mode, space, place: at, pattern });
    for (const place of above) note({ mode, space, place, pattern: null });
  }
  return [...byKey.values()];
}

export const keyOf = ({ mode, space, place, pattern }: Spot): string => JSON.stringify([mode, space, place, pattern]);
