import { describe, expect, it } from "vitest";
import { DEEPEST_PLACE, placesOf, spotsOf } from "./path-places.js";
import { readPattern, toPathScope } from "./path-scope.js";

const deep = (segments: number): string => Array.from({ length: segments }, (_, n) => `d${n}`).join("/");

describe("the place of a path", () => {
  it.each([
    ["README.md", "README.md", [""], "none"],
    ["src/store/a.ts", "src/store/a.ts", ["", "src", "src/store"], "none"],
    ["src/store/**", "src/store", ["", "src"], "all"],
    ["src/*.ts", "src", [""], "some"],
    ["src/a?.ts", "src", [""], "some"],
    ["src/*/**", "src", [""], "some"],
    ["src/**/*.ts", "src", [""], "some"],
    ["src/**/a/**", "src", [""], "some"],
    ["**", "", [], "all"],
  ])("%s is where it begins to stand for more than itself", (pattern, at, above, beneath) => {
    expect(placesOf(readPattern(pattern))).toEqual({ at, above, beneath });
  });

  it("is never deeper than the deepest, where nothing is taken for certain", () => {
    const at = deep(DEEPEST_PLACE);
    expect(placesOf(readPattern(`${at}/**`))).toMatchObject({ at, beneath: "all" });
    expect(placesOf(readPattern(`${at}/a`))).toMatchObject({ at, beneath: "none" });
    const deeper = placesOf(readPattern(`${deep(DEEPEST_PLACE + 9)}/**`));
    expect(deeper).toMatchObject({ at, beneath: "some" });
    expect(deeper.above).toHaveLength(DEEPEST_PLACE);
  });

  it("is told for each path, and each place above it once", () => {
    const paths = [toPathScope("write", "src/a"), toPathScope("write", "src/*.b"), toPathScope("read", "src/a", "web")];
    const write = { mode: "write", space: "" };
    const read = { mode: "read", space: "web" };
    expect(spotsOf(paths)).toEqual([
      { ...write, place: "src/a", pattern: "src/a" },
      { ...write, place: "", pattern: null },
      { ...write, place: "src", pattern: null },
      { ...write, place: "src", pattern: "src/*.b" },
      { ...read, place: "src/a", pattern: "src/a" },
      { ...read, place: "", pattern: null },
      { ...read, place: "src", pattern: null },
    ]);
  });
});
