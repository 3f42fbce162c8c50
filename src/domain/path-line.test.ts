import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBefore, LAST, type PathLine, PathLookout, RUNNING_RANK, type Standing } from "./path-line.js";
import { keyOf, type Spot, spotsOf } from "./path-places.js";
import { overlap, type PathMode, type PathScope, readScope, toPathScope } from "./path-scope.js";

const write = (pattern: string, space?: string): PathScope => toPathScope("write", pattern, space);
const read = (pattern: string): PathScope => toPathScope("read", pattern);

interface InLine extends Standing {
  readonly paths: readonly PathScope[];
}

/** A line in memory, which counts what it is asked. */
class Line implements PathLine {
  readonly #all: readonly InLine[];
  asked = 0;

  constructor(all: readonly InLine[]) {
    this.#all = all.toSorted((a, b) => (isBefore(a, b) ? 1 : -1));
  }

  patternsAt(space: string, place: string): readonly string[] {
    const found = this.#all
      .flatMap(({ paths }) => spotsOf(paths))
      .filter((spot) => spot.space === space && spot.place === place);
    return [...new Set(found.flatMap(({ pattern }) => pattern ?? []))];
  }

  *before(spot: Spot, standing: Standing): Generator<Standing> {
    for (const { rank, seq, paths } of this.#all) {
      if (!isBefore({ rank, seq }, standing) || !spotsOf(paths).some((one) => keyOf(one) === keyOf(spot))) continue;
      this.asked += 1;
      yield { rank, seq };
    }
  }

  *patternsBefore(spot: Spot, standing: Standing) {
    for (const one of this.before(spot, standing)) {
      const held = this.pathsOf(one.seq).filter(({ mode, space }) => mode === spot.mode && space === spot.space);
      yield { ...one, patterns: held.map(({ pattern }) => pattern) };
    }
  }

  pathsOf(seq: number): readonly PathScope[] {
    return this.#all.find((one) => one.seq === seq)?.paths ?? [];
  }
}

describe("the line of those who want paths", () => {
  const line = new Line([
    { seq: 1, rank: RUNNING_RANK, paths: [read("**")] },
    { seq: 2, rank: RUNNING_RANK, paths: [write("src/store/"), write("docs/store.md")] },
    { seq: 3, rank: 0, paths: [write("**/*.test.ts")] },
    { seq: 4, rank: 0, paths: [write("**", "web")] },
    { seq: 5, rank: 1, paths: [read("README.md")] },
    { seq: 6, rank: 0, paths: [write("src/store/a.ts")] },
  ]);
  const inTheWayOf = (task: Standing, ...paths: PathScope[]) =>
    new PathLookout(line).all(task, paths).map(({ standing, scope }) => [standing.seq, scope.pattern]);

  it.each([
    ["a file of its own", [write("src/a.ts")], [[1, "**"]]],
    [
      "a file beneath",
      [read("src/store/a.ts")],
      [
        [2, "src/store/**"],
        [6, "src/store/a.ts"],
      ],
    ],
    [
      "a directory above",
      [read("src/")],
      [
        [3, "**/*.test.ts"],
        [6, "src/store/a.ts"],
        [2, "src/store/**"],
      ],
    ],
    ["two files of one", [read("src/store/b"), read("docs/*.md")], [[2, expect.any(String)]]],
    [
      "a directory with some files",
      [write("*/*.md")],
      [
        [1, "**"],
        [2, "docs/store.md"],
      ],
    ],
    [
      "everything",
      [write("**")],
      [
        [3, "**/*.test.ts"],
        [1, "**"],
        [6, "src/store/a.ts"],
        [5, "README.md"],
        [2, expect.any(String)],
      ],
    ],
    ["another space", [write("x", "web")], [[4, "**"]]],
    ["a space nobody is in", [write("**", "shop")], []],
    ["nothing", [], []],
  ])("has those in the way of %s", (_name, paths, expected) => {
    const found = inTheWayOf(LAST, ...paths);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it("has nobody in its own way, nor in that of those who stand before", () => {
    expect(inTheWayOf({ seq: 6, rank: 0 }, write("src/store/a.ts"))).toEqual([
      [1, "**"],
      [2, "src/store/**"],
    ]);
    expect(inTheWayOf({ seq: 2, rank: 1 }, write("src/store/"))).toEqual([[1, "**"]]);
    expect(new PathLookout(line).nearest({ seq: 2, rank: 1 }, [write("src/store/*"), write("docs/")])?.seq).toBe(1);
  });

  it("is asked for no more than the nearest where many want the same", () => {
    const many = Array.from({ length: 500 }, (_, n) => ({
      seq: n + 1,
      rank: n % 2,
      paths: [write("a"), write("b/*.c")],
    }));
    const same = new Line(many);
    const nearest = (task: Standing, ...paths: PathScope[]) => new PathLookout(same).nearest(task, paths)?.seq;
    expect(nearest(LAST, write("a"))).toBe(499);
    expect(nearest({ seq: 300, rank: 0 }, write("a"))).toBe(299);
    expect(nearest({ seq: 1, rank: 0 }, write("a"))).toBe(500);
    expect(nearest({ seq: 300, rank: 1 }, write("a"))).toBe(298);
    expect(nearest({ seq: 2, rank: 1 }, write("a"))).toBeUndefined();
    expect(nearest(LAST, write("**"), write("a"), write("*"))).toBe(499);
    expect(nearest(LAST, write("b/*.d"), write("b/x"))).toBeUndefined();
    expect(same.asked).toBeLessThan(20);
  });

  it("is read on beneath a wildcard that goes on, until somebody is met", () => {
    const nearest = (task: Standing, pattern: string) => new PathLookout(line).nearest(task, [write(pattern)])?.seq;
    expect(nearest({ seq: 9, rank: 0 }, "*/*/a.ts")).toBe(6);
    expect(nearest({ seq: 6, rank: 0 }, "*/*/a.ts")).toBe(2);
    expect(nearest({ seq: 9, rank: 0 }, "*/*.css")).toBe(1);
    const files = new Line([{ seq: 1, rank: 0, paths: [write("src/a.ts")] }]);
    expect(new PathLookout(files).nearest(LAST, [write("*/*.css")])).toBeNull();
  });

  it("is found exactly where two scopes overlap", () => {
    const segment = fc.constantFrom("a", "b", "*", "**", "a*", "?");
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((found) => found.join("/"));
    const scope = fc
      .record({ mode: fc.constantFrom<PathMode>("read", "write"), pattern, space: fc.constantFrom("", "s") })
      .map(({ mode, pattern, space }) => toPathScope(mode, pattern, space));
    const rank = fc.constantFrom(0, 1, RUNNING_RANK);
    const standing = fc.record({ rank, paths: fc.array(scope, { maxLength: 3 }) });
    const asking = fc.record({
      seq: fc.nat({ max: 9 }),
      rank: fc.nat({ max: 1 }),
      paths: fc.array(scope, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(standing, { maxLength: 8 }), asking, (standings, task) => {
        const all = standings.map((one, seq) => ({ ...one, seq }));
        const before = all.filter(
          (one) =>
            one.seq !== task.seq &&
            isBefore(one, task) &&
            one.paths.some((a) => task.paths.some((b) => overlap(readScope(a), readScope(b)))),
        );
        const lookout = new PathLookout(new Line(all));
        const found = lookout.all(task, task.paths).map(({ standing: { seq } }) => seq);
        expect(found.toSorted()).toEqual(before.map(({ seq }) => seq).toSorted());
        const [expected] = before.toSorted((a, b) => (isBefore(a, b) ? 1 : -1));
        expect(lookout.nearest(task, task.paths)?.seq).toBe(expected?.seq);
      }),
      { numRuns: 5_000 },
    );
  });
});
