import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  commonPath,
  endsFit,
  LONGEST_PATTERN,
  MOST_PATHS,
  normalisePattern,
  normaliseScopes,
  overlap,
  type PathMode,
  type PathScope,
  type PathWish,
  readPattern,
  readScope,
  toPathScope,
} from "./path-scope.js";

const common = (a: string, b: string): string | null => commonPath(readPattern(a), readPattern(b));

describe("a pattern of paths", () => {
  it.each([
    ["src/a.ts", "src/a.ts"],
    ["./src//a.ts", "src/a.ts"],
    ["src\\store\\a.ts", "src/store/a.ts"],
    ["src/", "src/**"],
    ["src/**/", "src/**"],
    [".", "**"],
    ["./", "**"],
    ["src/..", "**"],
    ["src/./x/../a", "src/a"],
    ["a/**/**/b", "a/**/b"],
    ["a***b/**c", "a*b/*c"],
    ["e\u0301.md", "\u00e9.md"],
    ["with space/[id]/{x}=1", "with space/[id]/{x}=1"],
    ["...", "..."],
  ])("%j has the one spelling %j", (given, spelling) => {
    expect(normalisePattern(given)).toBe(spelling);
    expect(normalisePattern(spelling)).toBe(spelling);
  });

  it.each([
    ["", "is empty"],
    ["/etc/passwd", "root of the file system"],
    ["\\\\server\\share", "root of the file system"],
    ["C:\\x", "letter of a drive"],
    ["../x", "leaves the repository"],
    ["a/../../x", "leaves the repository"],
    ["**/../x", 'a ".." after a "**"'],
    ["a\0b", "NUL"],
    ["\ud800", "well-formed"],
    ["x".repeat(LONGEST_PATTERN + 1), `${LONGEST_PATTERN + 1} characters`],
  ])("%j is refused", (given, why) => {
    expect(() => normalisePattern(given)).toThrow(expect.objectContaining({ code: "invalid_input" }));
    expect(() => normalisePattern(given)).toThrow(why);
  });
});

describe("scopes of a task", () => {
  const write = (pattern: string, space?: string): PathScope => toPathScope("write", pattern, space);

  it("are kept once each, in their one spelling", () => {
    const scopes: PathWish[] = [
      { mode: "write", space: "", pattern: "src/" },
      { mode: "write", pattern: "./src/**" },
      { mode: "read", space: "", pattern: "src/" },
      { mode: "write", space: "web", pattern: "src/" },
    ];
    expect(normaliseScopes(scopes)).toEqual([
      { mode: "write", space: "", pattern: "src/**" },
      { mode: "read", space: "", pattern: "src/**" },
      { mode: "write", space: "web", pattern: "src/**" },
    ]);
  });

  it("are refused when they are too many, or their space is no name", () => {
    const many = Array.from({ length: MOST_PATHS + 1 }, (_, n) => write(`f${n}`));
    expect(normaliseScopes(many.slice(1))).toHaveLength(MOST_PATHS);
    expect(() => normaliseScopes(many)).toThrow("at most 256");
    for (const space of ["\0", "\udc00", "x".repeat(201)]) expect(() => write("a", space)).toThrow("The space of");
    expect(() => toPathScope("delete" as PathMode, "a")).toThrow('"delete"');
  });

  it("overlap only within one space, and when one of them writes", () => {
    const meets = (a: PathScope, b: PathScope): boolean => overlap(readScope(a), readScope(b));
    const read = toPathScope("read", "src/**");
    expect(meets(write("src/a"), write("src/*"))).toBe(true);
    expect(meets(write("src/a"), read)).toBe(true);
    expect(meets(read, write("src/a"))).toBe(true);
    expect(meets(read, read)).toBe(false);
    expect(meets(write("src/a"), write("src/a", "web"))).toBe(false);
    expect(meets(write("src/a"), write("src/b"))).toBe(false);
  });
});

describe("two patterns", () => {
  it.each([
    ["a", "a", "a"],
    ["a/b", "a/b", "a/b"],
    ["a/?", "?/b", "a/b"],
    ["??", "?", null],
    ["*", "a/b", null],
    ["*", "a", "a"],
    ["a*", "*b", "a_b"],
    ["a*c", "ab*", "ab_c"],
    ["a*", "b*", null],
    ["*a", "*b", null],
    ["a*c*e", "abcde", "abcde"],
    ["*ab", "aab", "aab"],
    ["a*a", "a", null],
    ["*b*b*", "abb", "abb"],
    ["*b*b*", "acb", null],
    ["**", "**", "_"],
    ["**", "a/*/c", "a/_/c"],
    ["src/**", "src", "src"],
    ["src/**", "lib/**", null],
    ["**/*.ts", "src/**", "src/_/_.ts"],
    ["**/*.ts", "src/x.js", null],
    ["a/**/z", "a/z", "a/z"],
    ["a/**/z", "a", null],
    ["a/**/m/**/z", "a/b/m/c/z", "a/b/m/c/z"],
    ["a/**/m/**/z", "a/b/c/z", null],
    ["a/**", "**/b/?", "a/_/b/_"],
    ["[ab]", "a", null],
    ["{a,b}", "a", null],
    ["a=2Fb", "a/b", null],
    ["😀?", "?😀", "😀😀"],
  ])("%s and %s have %j in common", (a, b, path) => {
    expect(common(a, b)).toBe(path);
    expect(common(b, a) === null).toBe(path === null);
    if (path !== null) expect(endsFit(a, b)).toBe(true);
  });

  it.each([
    ["a.ts", "a.md", false],
    ["**/*.md", "src/a.ts", false],
    ["src/*-1.ts", "src/?-2.ts", false],
    ["**/x", "x", true],
    ["x", "*/b/x", true],
    ["a/**", "b", true],
  ])("%s and %s need not be read where their ends differ", (a, b, fit) => {
    expect([endsFit(a, b), endsFit(b, a)]).toEqual([fit, fit]);
  });
});

/** What a pattern stands for, in another language than the code's: a regular expression. */
function toRegExp(pattern: string): RegExp {
  const inner = (segment: string): string =>
    [...segment]
      .map((c) => (c === "*" ? "[^/]*" : c === "?" ? "[^/]" : c.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&")))
      .join("");
  const source = pattern.split("/").map((segment) => (segment === "**" ? "(?:[^/]+/)*" : `${inner(segment)}/`));
  return new RegExp(`^${source.join("")}$`, "su");
}
const standsFor = (pattern: string, path: string): boolean => toRegExp(pattern).test(`${path}/`);

/** Few letters, so that patterns meet often, and every one of the wildcards. */
const letters = (from: readonly string[], maxLength: number) =>
  fc.array(fc.constantFrom(...from), { minLength: 1, maxLength }).map((found) => found.join(""));
const path = fc.array(letters(["a", "b", "."], 4), { minLength: 1, maxLength: 5 }).map((found) => found.join("/"));
const pattern = fc
  .array(fc.oneof(fc.constant("**"), letters(["a", "b", ".", "*", "?"], 5)), { minLength: 1, maxLength: 5 })
  .map((found) => `x/${found.join("/")}`)
  .filter((found) => !found.split("/").includes(".."))
  .map((found) => normalisePattern(found).replace(/^x\//, ""));

/** A pattern that stands for a path: parts of it are given up for wildcards. */
const patternOf = (of: string) =>
  fc
    .array(fc.constantFrom("keep", "any", "star", "deep"), { minLength: of.length, maxLength: of.length })
    .map((choices) => {
      const wild = new Map([
        ["any", "?"],
        ["star", "*"],
      ]);
      const segments = of.split("/").map((segment, at) => {
        if (choices[at] === "deep") return "**";
        return [...segment].map((c, n) => wild.get(choices[at + n] ?? "") ?? c).join("");
      });
      return normalisePattern(segments.join("/"));
    });

describe("of any two patterns", () => {
  it("what they have in common is a path that both stand for, whichever comes first", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const found = common(a, b);
        expect(common(b, a) === null).toBe(found === null);
        if (found === null) return;
        expect([standsFor(a, found), standsFor(b, found), endsFit(a, b)]).toEqual([true, true, true]);
      }),
      { numRuns: 5_000 },
    );
  });

  it("a path that both stand for is never overlooked", () => {
    const both = path
      .filter((found) => !found.split("/").some((segment) => /^\.\.?$/.test(segment)))
      .chain((found) => fc.tuple(fc.constant(found), patternOf(found), patternOf(found)));
    fc.assert(
      fc.property(both, ([found, a, b]) => {
        expect([standsFor(a, found), standsFor(b, found)]).toEqual([true, true]);
        expect(common(a, b)).not.toBeNull();
        expect(endsFit(a, b)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    fc.assert(
      fc.property(pattern, pattern, path, (a, b, found) => {
        if (standsFor(a, found) && standsFor(b, found)) expect(common(a, b)).not.toBeNull();
      }),
      { numRuns: 20_000 },
    );
  });

  it("the longest are compared in the time of a short walk", () => {
    const deep = `${"a/".repeat(500)}b`;
    const stars = normalisePattern(`${"**/a/".repeat(200)}c`);
    const wide = normalisePattern(`${"*a".repeat(500)}b`);
    expect([common(stars, deep), common(wide, "a".repeat(1_000)), common(wide, stars)]).toEqual([null, null, null]);
  });
});
