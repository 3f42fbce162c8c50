import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PathHolders } from "./path-holders.js";
import { overlap, type PathMode, type PathScope, readScope, toPathScope } from "./path-scope.js";

const write = (pattern: string, space?: string): PathScope => toPathScope("write", pattern, space);
const read = (pattern: string): PathScope => toPathScope("read", pattern);

describe("holders of paths", () => {
  const holders = new PathHolders<string>();
  holders.add("all", [read("**")]);
  holders.add("store", [write("src/store/"), write("docs/store.md")]);
  holders.add("tests", [write("**/*.test.ts")]);
  holders.add("web", [write("**", "web")]);
  holders.add("readme", [read("README.md")]);
  const inTheWayOf = (...scopes: PathScope[]) =>
    [...holders.inTheWayOf(scopes, (name) => name !== "none")].map(({ holder, scope }) => [holder, scope.pattern]);

  it.each([
    ["a file of its own", [write("src/a.ts")], [["all", "**"]]],
    ["a file beneath", [read("src/store/a.ts")], [["store", "src/store/**"]]],
    [
      "a directory above",
      [read("src/")],
      [
        ["tests", "**/*.test.ts"],
        ["store", "src/store/**"],
      ],
    ],
    ["two files of one holder", [read("src/store/a"), read("docs/*.md")], [["store", expect.any(String)]]],
    [
      "everything",
      [write("**")],
      [
        ["readme", "README.md"],
        ["tests", "**/*.test.ts"],
        ["all", "**"],
        ["store", expect.any(String)],
      ],
    ],
    ["another space", [write("x", "web")], [["web", "**"]]],
    ["a space nobody is in", [write("**", "shop")], []],
    ["a file in such a space", [write("a", "shop")], []],
    ["nothing", [], []],
  ])("are in the way of %s", (_name, scopes, expected) => {
    expect(inTheWayOf(...scopes)).toEqual(expected);
  });

  it("are told from the newest on where they hold the same", () => {
    const same = new PathHolders<number>();
    for (let n = 0; n < 20; n += 1) same.add(n, [write("a"), write("a")]);
    const [newest, next] = same.inTheWayOf([write("a")], (n) => n < 15);
    expect([newest?.holder, next?.holder]).toEqual([14, 13]);
  });

  it("are passed over when they do not count", () => {
    expect([...holders.inTheWayOf([write("README.md")], (name) => name === "all")]).toMatchObject([{ holder: "all" }]);
  });

  it("are found exactly where two scopes overlap", () => {
    const segment = fc.constantFrom("a", "b", "*", "**", "a*", "?");
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((found) => found.join("/"));
    const scope = fc
      .record({ mode: fc.constantFrom<PathMode>("read", "write"), pattern, space: fc.constantFrom("", "s") })
      .map(({ mode, pattern, space }) => toPathScope(mode, pattern, space));
    const scopes = fc.array(scope, { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(scopes, { maxLength: 8 }), scopes, (held, wanted) => {
        const known = new PathHolders<number>();
        held.forEach((of, n) => {
          known.add(n, of);
        });
        const expected = held.flatMap((of, n) =>
          of.some((a) => wanted.some((b) => overlap(readScope(a), readScope(b)))) ? [n] : [],
        );
        const found = [...known.inTheWayOf(wanted, () => true)].map(({ holder }) => holder);
        expect(found.sort((a, b) => a - b)).toEqual(expected);
      }),
      { numRuns: 5_000 },
    );
  });
});
