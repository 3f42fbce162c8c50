/**
 * Sequences with gaps: elements in their order, and gaps that stand for any number of any elements.
 *
 * A glob is such a sequence twice over: of segments, where `**` is the gap, and each segment of characters, where `*` is.
 */

export interface Gapped<T> {
  /** What comes before the first gap; everything when there is none. */
  readonly head: readonly T[];
  /** The runs of elements between two gaps each. */
  readonly middle: readonly (readonly T[])[];
  /** What comes after the last gap; null without a gap. */
  readonly tail: readonly T[] | null;
}

/** The element that stands for both; null when nothing does. */
export type Join<T> = (a: T, b: T) => T | null;

const EMPTY: Gapped<never> = { head: [], middle: [], tail: null };

/** @param isGap which of the parts are gaps; the others are made elements by `toElement`. */
export function gapped<P, T>(parts: readonly P[], isGap: (part: P) => boolean, toElement: (part: P) => T): Gapped<T> {
  let [open, made]: [T[], Gapped<T>] = [[], EMPTY];
  const close = (): Gapped<T> => {
    if (made === EMPTY) return { head: open, middle: [], tail: [] };
    return { ...made, middle: [...made.middle, open] };
  };
  for (const part of parts) {
    if (!isGap(part)) {
      open.push(toElement(part));
    } else {
      made = close();
      open = [];
    }
  }
  return made === EMPTY ? { ...EMPTY, head: open } : { ...made, tail: open };
}

/** `run` joined with the elements of `onto` from `at` on, which reach far enough; null when they do not fit. */
function joinAt<T>(run: readonly T[], onto: readonly T[], at: number, join: Join<T>): readonly T[] | null {
  const joined: T[] = [];
  for (const [n, element] of run.entries()) {
    const both = join(element, onto[at + n] as T);
    if (both === null) return null;
    joined.push(both);
  }
  return joined;
}

const put = <T>(joined: readonly T[], onto: readonly T[], at: number): readonly T[] => [
  ...onto.slice(0, at),
  ...joined,
  ...onto.slice(at + joined.length),
];

/** Two runs of which one lies within the other, from its begin or up to its end. */
function joinRuns<T>(a: readonly T[], b: readonly T[], from: "begin" | "end", join: Join<T>): readonly T[] | null {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const at = from === "begin" ? 0 : long.length - short.length;
  const joined = joinAt(short, long, at, join);
  return joined === null ? null : put(joined, long, at);
}

/** Each run as early as it fits: what is left for those that follow is the most that there can be. */
function fitRuns<T>(
  runs: readonly (readonly T[])[],
  onto: readonly T[],
  span: { readonly from: number; readonly to: number },
  join: Join<T>,
): readonly T[] | null {
  let [fitted, at] = [onto, span.from];
  for (const run of runs) {
    let joined: readonly T[] | null = null;
    while (joined === null) {
      if (at + run.length > span.to) return null;
      joined = joinAt(run, onto, at, join);
      at += 1;
    }
    fitted = put(joined, fitted, at - 1);
    at += run.length - 1;
  }
  return fitted;
}

function lay<T>({ head, middle, tail }: Gapped<T>, onto: readonly T[], join: Join<T>): readonly T[] | null {
  const ends = tail ?? [];
  const span = { from: head.length, to: onto.length - ends.length };
  if (tail === null ? span.from !== span.to : span.from > span.to) return null;
  const first = joinAt(head, onto, 0, join);
  const last = joinAt(ends, onto, span.to, join);
  if (first === null || last === null) return null;
  return fitRuns(middle, put(last, put(first, onto, 0), span.to), span, join);
}

/**
 * A sequence that both stand for, without gaps; null when there is none.
 *
 * Exact: two sequences with gaps meet if their begins and their ends do, since a gap of each takes in the middle of the
 * other; one without gaps meets another where the runs of that follow each other in it.
 * @param filler goes where both have a gap.
 */
export function meet<T>(a: Gapped<T>, b: Gapped<T>, join: Join<T>, filler: T): readonly T[] | null {
  if (a.tail === null) return lay(b, a.head, join);
  if (b.tail === null) return lay(a, b.head, join);
  const begin = joinRuns(a.head, b.head, "begin", join);
  const end = joinRuns(a.tail, b.tail, "end", join);
  if (begin === null || end === null) return null;
  return [...begin, ...a.middle.flat(), ...b.middle.flat(), filler, ...end];
}
