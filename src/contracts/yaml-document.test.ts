import { describe, expect, it } from "vitest";
import * as z from "zod";
import { formatProblem } from "./file-problem.js";
import { readYaml } from "./yaml-document.js";
import { MAX_FILE_BYTES } from "./yaml-guard.js";

const schema = z.strictObject({
  name: z.string(),
  colour: z.enum(["red", "green"]).optional(),
  sizes: z.array(z.int()).optional(),
  inner: z.strictObject({ left: z.boolean() }).optional(),
});

const bytes = (text: string) => new TextEncoder().encode(text);

function problemsOf(input: string | Uint8Array): string[] {
  const reading = readYaml(typeof input === "string" ? bytes(input) : input, schema);
  return reading.ok ? [] : reading.problems.map((problem) => formatProblem("f", problem));
}

function read(text: string): unknown {
  const reading = readYaml(bytes(text), schema);
  return reading.ok ? reading.value : reading.problems;
}

describe("a file that people write", () => {
  it("is read with comments, quotes, anchors, CRLF and a byte order mark", () => {
    const text = '\ufeff# a comment\r\nname: &n "a"\r\nsizes: [1, 2]\r\ninner: { left: true }\r\n';

    expect(read(text)).toEqual({ name: "a", sizes: [1, 2], inner: { left: true } });
    expect(read("inner: { left: &yes true }\nname: x\n")).toEqual({ name: "x", inner: { left: true } });
    expect(read("name: &same green\ncolour: *same\n")).toEqual({ name: "green", colour: "green" });
  });

  it("has all of its faults told in one go, in the order of its lines", () => {
    const text = ["nme: 1", "colour: gren", "sizes:", "  - 1", "  - two", "inner: { lft: 1 }", "colour: red"].join(
      "\n",
    );

    expect(problemsOf(text)).toEqual([
      'f:1:1 missing key "name"',
      'f:1:1 unknown key "nme" (did you mean "name"?)',
      'f:5:5 expected a number, found "two"',
      'f:6:8 missing key "left"',
      'f:6:10 unknown key "lft" (did you mean "left"?)',
      'f:7:1 repeated key "colour" (keys of a map are unique)',
    ]);
  });

  it("has its columns counted without the byte order mark", () => {
    expect(problemsOf("\ufeffnam: x\nname: y")).toEqual(['f:1:1 unknown key "nam" (did you mean "name"?)']);
  });

  it("suggests the nearest of the known values", () => {
    expect(problemsOf("name: x\ncolour: gren")).toEqual([
      'f:2:9 expected red or green, found "gren" (did you mean "green"?)',
    ]);
  });

  it("lists the known keys when none is near", () => {
    expect(problemsOf("name: x\nzzzzzz: 1")).toEqual([
      'f:2:1 unknown key "zzzzzz" (known keys: name, colour, sizes, inner)',
    ]);
  });

  it("asks for quotes where YAML read a number or a truth value", () => {
    expect(problemsOf("name: 1.10")).toEqual(['f:1:7 expected text, found the number 1.1 (write "1.1" in quotes)']);
    expect(problemsOf("name: true")).toEqual(['f:1:7 expected text, found the boolean true (write "true" in quotes)']);
  });

  it("says nothing about the schema while its syntax is broken", () => {
    const found = problemsOf("name: [1\nother: 2\n");

    expect(found.length).toBeGreaterThan(0);
    expect(found.some((line) => line.includes("unknown key"))).toBe(false);
  });

  it("has an alias without an anchor told at its place", () => {
    expect(problemsOf("name: &first x\ncolour: *firt")).toEqual(["f:2:9 unknown alias *firt (did you mean *first?)"]);
    expect(problemsOf("name: *a")).toEqual(["f:1:7 unknown alias *a (an anchor must stand before its alias)"]);
  });

  it("reports tags that nobody knows", () => {
    expect(problemsOf("name: !secret x")).toEqual(["f:1:7 Unresolved tag: !secret"]);
  });

  it("reports a second document", () => {
    expect(problemsOf("name: a\n---\nname: b\n")[0]).toMatch(/^f:2:1 .*multiple documents/);
  });
});

describe("a file that is no text", () => {
  it("is refused at the offset of the first byte that is not UTF-8", () => {
    const cases: [number[], number][] = [
      [[0x61, 0xff], 1],
      [[0x61, 0xc3, 0x28], 1],
      [[0xe2, 0x82], 0],
      [[0xc3, 0xa9, 0xe2, 0x28], 2],
    ];

    for (const [input, offset] of cases) {
      expect(problemsOf(Uint8Array.from(input))).toEqual([
        `f:1:1 the file is not UTF-8: the byte at offset ${offset} does not belong (save it as UTF-8)`,
      ]);
    }
  });

  it("is refused for a NUL byte, at its line and column", () => {
    expect(problemsOf("name: x\n# a\0b")).toEqual(["f:2:4 a NUL byte (is this the right file?)"]);
  });

  it("is refused for its size before anything is read", () => {
    expect(problemsOf(new Uint8Array(MAX_FILE_BYTES + 1))[0]).toContain(`at most ${MAX_FILE_BYTES} are read`);
  });
});

describe("a file that is made to hurt", () => {
  it.each([
    ["maps in maps", "{".repeat(5_000)],
    ["lists in lists", "[".repeat(100_000)],
    ["lists on one line", "- ".repeat(5_000)],
    ["keys without end", "? ".repeat(5_000)],
    ["indentation", Array.from({ length: 1_000 }, (_, i) => `${" ".repeat(i)}a:\n`).join("")],
  ])("is refused for nesting: %s", (_name, text) => {
    expect(problemsOf(text)[0]).toContain("nested more than 64 deep");
  });

  it("is refused for aliases that multiply", () => {
    const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);

    expect(problemsOf(["a0: &a0 x", ...levels].join("\n"))[0]).toContain("aliases that multiply");
  });

  it("is refused for a value that holds itself", () => {
    expect(problemsOf("sizes: &a [*a]")[0]).toContain("aliases that multiply");
  });

  it("is not refused for long text, brackets in quotes or many uses of one anchor", () => {
    const sizes = Array.from({ length: 5_000 }, () => "*n").join(", ");

    expect(problemsOf(`name: "${"{[".repeat(5_000)}"`)).toEqual([]);
    expect(problemsOf(`name: |\n${"  - - [ {\n".repeat(5_000)}`)).toEqual([]);
    expect(problemsOf(`name: x\nsizes: [&n 1, ${sizes}]`)).toEqual([]);
  });
});
