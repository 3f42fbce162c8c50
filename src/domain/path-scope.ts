/**
 * Path scopes: what of a repository a task reads or writes. Two tasks of which one writes what the other reads or writes
 * do not run at the same time.
 *
 * A pattern is a path from the root of the repository with `/` between its segments. `**` as a whole segment stands for
 * any number of segments, also none; within a segment `*` stands for any characters, also none, and `?` for one. Nothing
 * else has a meaning: brackets, braces, `=` and spaces are themselves.
 */
import { WaybillError } from "./errors.js";
import { type Gapped, gapped, meet } from "./gapped-sequence.js";

export const PATH_MODES = ["read", "write"] as const;
export type PathMode = (typeof PATH_MODES)[number];

export interface PathScope {
  readonly mode: PathMode;
  /** Names the repository; paths of different spaces have nothing to do with each other. Empty by default. */
  readonly space: string;
  readonly pattern: string;
}

/** A scope as it is asked for; without a space it is the empty one. */
export interface PathWish extends Omit<PathScope, "space"> {
  readonly space?: string;
}

/** How many scopes a task may have, and how long their parts may be; characters. */
export const MOST_PATHS = 256;
export const LONGEST_PATTERN = 1_024;
export const LONGEST_SPACE = 200;

const ANY_SEGMENTS = "**";

type Segment = Gapped<string>;
export type PathPattern = Gapped<Segment>;

/** Stands for any one character among the characters of a segment. */
const ANY_CHARACTER = "";
/** What witnesses have where any character would do. */
const FILLER = "_";
const FILLER_SEGMENT: Segment = { head: [FILLER], middle: [], tail: null };

function refuse(pattern: string, why: string): WaybillError {
  return new WaybillError("invalid_input", `The path ${JSON.stringify(pattern)} ${why}.`, {
    hint: 'Give a path from the root of the repository, such as "src/store/**" or "README.md".',
    details: { pattern },
  });
}

function refuseText(pattern: string): void {
  if (pattern === "") throw refuse(pattern, "is empty");
  if (pattern.length > LONGEST_PATTERN) {
    const found = `${pattern.slice(0, 40)}…`;
    throw refuse(found, `has ${pattern.length} characters; at most ${LONGEST_PATTERN} are allowed`);
  }
  if (pattern.includes("\0")) throw refuse(pattern, "contains a NUL character");
  if (!pattern.isWellFormed()) throw refuse(pattern, "is not well-formed Unicode");
  if (/^[/\\]/.test(pattern)) throw refuse(pattern, "begins at the root of the file system, not of the repository");
  if (/^[a-z]:/i.test(pattern)) throw refuse(pattern, "begins with the letter of a drive");
}

/**
 * The one spelling of a pattern: `/` for `\`, without `.`, `..` and empty segments, in Unicode's composed form. What names a
 * directory by a `/` at its end stands for everything in it; `.` is the whole repository.
 * Errors: `invalid_input` for what is empty, absolute, leaves the repository or is too long.
 */
export function normalisePattern(pattern: string): string {
  refuseText(pattern);
  const parts = pattern.normalize("NFC").replaceAll("\\", "/").split("/");
  const segments: string[] = [];
  for (const part of parts) {
    if (part === "..") climb(segments, pattern);
    else if (part !== "" && part !== ".") push(segments, part);
  }
  const last = parts.at(-1);
  if (last === "" || last === "." || last === "..") push(segments, ANY_SEGMENTS);
  return segments.join("/");
}

/** A `**` after another stands for nothing more, and so does a `*` after another within a segment. */
function push(segments: string[], part: string): void {
  if (part === ANY_SEGMENTS && segments.at(-1) === ANY_SEGMENTS) return;
  segments.push(part === ANY_SEGMENTS ? part : part.replaceAll(/\*{2,}/g, "*"));
}

function climb(segments: string[], pattern: string): void {
  const left = segments.pop();
  if (left === undefined) throw refuse(pattern, "leaves the repository");
  if (left === ANY_SEGMENTS) throw refuse(pattern, 'has a ".." after a "**", which could be anywhere');
}

/** A scope in its one spelling. Errors: `invalid_input` for the pattern (`normalisePattern`), the mode or the space. */
export function toPathScope(mode: PathMode, pattern: string, space = ""): PathScope {
  if (!PATH_MODES.includes(mode)) {
    throw new WaybillError(
      "invalid_input",
      `The mode of the path ${JSON.stringify(pattern)} is ${JSON.stringify(mode)}.`,
      {
        hint: `Expected one of ${PATH_MODES.join(", ")}.`,
        details: { mode, pattern },
      },
    );
  }
  if (space.length > LONGEST_SPACE || space.includes("\0") || !space.isWellFormed()) {
    throw new WaybillError(
      "invalid_input",
      `The space of the path ${JSON.stringify(pattern)} is not a text of at most ${LONGEST_SPACE} characters.`,
      { hint: "A space names a repository, such as its address.", details: { space, pattern } },
    );
  }
  return { mode, space, pattern: normalisePattern(pattern) };
}

/** Scopes in their one spelling, each once. Errors: those of `toPathScope`; `invalid_input` for more than `MOST_PATHS`. */
export function normaliseScopes(scopes: readonly PathWish[]): readonly PathScope[] {
  const byKey = new Map<string, PathScope>();
  for (const { mode, space, pattern } of scopes) {
    const scope = toPathScope(mode, pattern, space);
    byKey.set(JSON.stringify([mode, scope.space, scope.pattern]), scope);
  }
  if (byKey.size > MOST_PATHS) {
    throw new WaybillError("invalid_input", `A task has ${byKey.size} paths; at most ${MOST_PATHS} are allowed.`, {
      hint: "Name directories rather than files: a path that ends with a / stands for everything in it.",
      details: { paths: byKey.size },
    });
  }
  return [...byKey.values()];
}

const segmentOf = (text: string): Segment =>
  gapped(
    [...text],
    (character) => character === "*",
    (character) => (character === "?" ? ANY_CHARACTER : character),
  );

/** @param pattern as `normalisePattern` gives it. */
export const readPattern = (pattern: string): PathPattern =>
  gapped(pattern.split("/"), (segment) => segment === ANY_SEGMENTS, segmentOf);

/** The segments at its begin that stand for themselves alone. Patterns whose begins part have no path in common. */
export function plainBegin({ head }: PathPattern): readonly string[] {
  const wild = head.findIndex((segment) => segment.tail !== null || segment.head.includes(ANY_CHARACTER));
  return (wild === -1 ? head : head.slice(0, wild)).map(spell);
}

/** The characters at its end that stand for themselves. All its paths end with them. */
const plainEnd = (pattern: string): string =>
  pattern.slice(Math.max(pattern.lastIndexOf("*"), pattern.lastIndexOf("?")) + 1).replace(/^\//, "");

/** Whether two patterns can have a path in common as far as their ends say, which costs less than to read them. */
export function endsFit(a: string, b: string): boolean {
  const ends = [plainEnd(a), plainEnd(b)] as const;
  return ends[0].endsWith(ends[1]) || ends[1].endsWith(ends[0]);
}

function joinCharacters(a: string, b: string): string | null {
  if (a === ANY_CHARACTER) return b;
  return b === ANY_CHARACTER || a === b ? a : null;
}

function joinSegments(a: Segment, b: Segment): Segment | null {
  const head = meet(a, b, joinCharacters, FILLER);
  return head === null ? null : { head, middle: [], tail: null };
}

const spell = ({ head, middle, tail }: Segment): string =>
  [...head, ...middle.flat(), ...(tail === null ? [] : [FILLER, ...tail])]
    .map((character) => (character === ANY_CHARACTER ? FILLER : character))
    .join("");

/** A path that both patterns stand for; null when there is none. */
export function commonPath(a: PathPattern, b: PathPattern): string | null {
  return meet(a, b, joinSegments, FILLER_SEGMENT)?.map(spell).join("/") ?? null;
}

/** A scope of which the pattern was read, to be compared often. */
export interface ReadScope {
  readonly scope: PathScope;
  readonly pattern: PathPattern;
}

export const readScope = (scope: PathScope): ReadScope => ({ scope, pattern: readPattern(scope.pattern) });

/** Whether tasks with these scopes must not run at the same time. */
export const overlap = (a: ReadScope, b: ReadScope): boolean =>
  a.scope.space === b.scope.space &&
  (a.scope.mode === "write" || b.scope.mode === "write") &&
  commonPath(a.pattern, b.pattern) !== null;
