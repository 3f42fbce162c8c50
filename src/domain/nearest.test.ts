import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "./nearest.js";

describe("the nearest word", () => {
  it("is the one that was misspelt, in whatever case", () => {
    expect(nearest("machin", ["name", "machine", "tag"])).toBe("machine");
    expect(nearest("GPU", ["gpu", "cpu"])).toBe("gpu");
    expect(nearest("tog", ["tug", "tag"])).toBe("tug");
  });

  it("is none when nothing is near", () => {
    expect(nearest("zebra", ["name", "machine"])).toBeNull();
    expect(nearest("x", [])).toBeNull();
  });

  it("is the word itself when it is known", () => {
    const words = fc.uniqueArray(fc.string({ minLength: 1 }), {
      minLength: 1,
      comparator: (a, b) => a.toLowerCase() === b.toLowerCase(),
    });
    fc.assert(
      fc.property(words, (known) => {
        expect(known.map((word) => nearest(word, known))).toEqual(known);
      }),
    );
  });
});
