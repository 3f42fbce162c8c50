import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalTree,
  compareBytes,
  linkStaysInside,
  parseCanonicalTree,
  TREE_ENTRY_KINDS,
  type TreeEntry,
} from "./tree.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const serialise = (entries: readonly TreeEntry[]) => [...canonicalTree(entries)].flatMap((chunk) => [...chunk]);
const name = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b", "é", ".") });
const anyEntry: fc.Arbitrary<TreeEntry> = fc.record({
  kind: fc.constantFrom(...TREE_ENTRY_KINDS),
  path: name.map(bytes),
  content: name.map(bytes),
});
const anyTree = fc.uniqueArray(anyEntry, { selector: (e) => [...e.path].join() });

describe("the canonical bytes of a tree", () => {
  it("are fixed, since hashes are kept in stores and on machines", () => {
    const tree: TreeEntry[] = [
      { kind: "link", path: bytes("b"), content: bytes("a") },
      { kind: "executable", path: bytes("a"), content: bytes("ff") },
      { kind: "directory", path: bytes("c"), content: bytes("") },
    ];

    expect(new TextDecoder().decode(Uint8Array.from(serialise(tree)))).toBe("xa\0ff\0lb\0a\0dc\0\0");
  });

  it("are read back as the entries that they were made of, and as nothing when they are cut or none", () => {
    const entries = [
      { kind: "executable", path: bytes("a"), content: bytes("ff") },
      { kind: "directory", path: bytes("c"), content: bytes("") },
    ] as const;
    const whole = Uint8Array.from(serialise(entries));
    expect(parseCanonicalTree(whole)).toEqual(entries);
    expect(parseCanonicalTree(Uint8Array.of())).toEqual([]);
    expect(parseCanonicalTree(whole.subarray(0, -1))).toBeNull();
    expect(parseCanonicalTree(bytes("xa"))).toBeNull();
    expect(parseCanonicalTree(bytes("?a\0b\0"))).toBeNull();
  });

  it("do not depend on the order in which entries are found", () => {
    fc.assert(
      fc.property(anyTree, fc.func(fc.integer()), (tree, rank) => {
        const shuffled = [...tree].sort((a, b) => rank(a.path.join()) - rank(b.path.join()));
        expect(serialise(shuffled)).toEqual(serialise(tree));
      }),
    );
  });

  it("differ for trees that differ in kind, path or content", () => {
    const key = (tree: readonly TreeEntry[]) =>
      JSON.stringify(
        [...tree].sort((a, b) => compareBytes(a.path, b.path)).map((e) => [e.kind, [...e.path], [...e.content]]),
      );
    fc.assert(
      fc.property(anyTree, anyTree, (a, b) => {
        expect(serialise(a).join() === serialise(b).join()).toBe(key(a) === key(b));
      }),
    );
  });
});

describe("the order of paths", () => {
  it("is that of their bytes, the shorter first", () => {
    const sorted = ["b", "a", "aa", "é", "Z"].map(bytes).sort(compareBytes);

    expect(sorted.map((b) => new TextDecoder().decode(b))).toEqual(["Z", "a", "aa", "b", "é"]);
    expect(compareBytes(bytes("a"), bytes("a"))).toBe(0);
  });
});

/** Walks the target step by step from the link's folder, in a tree whose root is the empty list. */
function modelStaysInside(path: string, target: string): boolean {
  if (target.startsWith("/")) return false;
  const at = path.split("/").slice(0, -1);
  for (const step of target.split("/").filter((s) => s !== "" && s !== ".")) {
    if (step !== "..") at.push(step);
    else if (at.pop() === undefined) return false;
  }
  return true;
}

describe("a link", () => {
  it("stays inside when its target does", () => {
    expect(linkStaysInside("a/b/link", "../../c")).toBe(true);
    expect(linkStaysInside("link", ".")).toBe(true);
  });

  it("leaves by an absolute target, by too many steps up, and by a step out that comes back", () => {
    expect(linkStaysInside("link", "/etc/passwd")).toBe(false);
    expect(linkStaysInside("a/link", "../../b")).toBe(false);
    expect(linkStaysInside("link", "../tree/x")).toBe(false);
  });

  it("agrees with a walk through the names", () => {
    const step = fc.constantFrom("a", "b", ".", "..", "");
    const target = fc.array(step, { minLength: 1, maxLength: 8 }).map((steps) => steps.join("/"));
    const path = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
    fc.assert(
      fc.property(path, target, (p, t) => {
        expect(linkStaysInside(p, t)).toBe(modelStaysInside(p, t));
      }),
    );
  });
});
