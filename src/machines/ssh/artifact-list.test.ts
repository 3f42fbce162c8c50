import { describe, expect, it } from "vitest";
import { parseArtifactList } from "./artifact-list.js";

const [FILE, DIRECTORY, LINK] = ["81a4 3", "41ed 0", "a1ff 3"];

interface Entry {
  readonly name: string;
  readonly fact?: string;
  readonly target?: string;
}

/** A list as the machine prints it, with whatever it claims. */
function listOf(...entries: readonly Entry[]): Buffer {
  const facts = entries.map(({ fact = FILE }) => `${fact}\n`).join("");
  const names = entries.map(({ name }) => `${name}\0`).join("");
  const links = entries.flatMap(({ name, target }) => (target === undefined ? [] : [`${name}\0${target}\n\0`]));
  const batch = entries.length === 0 ? "" : `${entries.length}\n${facts}${names}`;
  return Buffer.from(`sealed\n\n${batch}0\n${links.join("")}`, "latin1");
}

const folder: Entry = { name: "./d", fact: DIRECTORY };
const link = (name: string, target: string): Entry => ({ name, fact: LINK, target });

const hostile: Record<string, Buffer> = {
  "an absolute name": listOf({ name: "/etc/passwd" }),
  "a name without ./": listOf({ name: "a" }),
  "a name with ..": listOf(folder, { name: "./d/../../a" }),
  "the name ..": listOf({ name: "./.." }),
  "a name with an empty part": listOf(folder, { name: "./d//a" }),
  "an empty name": listOf({ name: "" }),
  "a name that is too long": listOf({ name: `./${"a".repeat(5_000)}` }),
  "a name twice": listOf({ name: "./a" }, { name: "./a" }),
  "a file below a link": listOf(folder, link("./l", "d"), { name: "./l/a" }),
  "a file below a file": listOf({ name: "./a" }, { name: "./a/b" }),
  "a file below nothing": listOf({ name: "./a/b" }),
  "an absolute link": listOf(link("./l", "/etc/passwd")),
  "a link out of the folder": listOf(link("./l", "../log")),
  "a link out of the folder through a link": listOf(
    folder,
    { name: "./d/e", fact: DIRECTORY },
    link("./d/e/up", "../.."),
    link("./l", "d/e/up/../x"),
  ),
  "a link without a target": listOf({ name: "./l", fact: LINK }),
  "a link with an empty target": listOf(link("./l", "")),
  "a link with a target that is too long": listOf(link("./l", "a/".repeat(5_000))),
  "a target of what is no link": listOf({ name: "./a", target: "b" }),
  "a target of what was not announced": Buffer.from("sealed\n\n0\n./l\0a\n\0"),
  "two targets of one link": Buffer.concat([listOf(link("./l", "a")), Buffer.from("./l\0b\n\0")]),
  "a pipe": listOf({ name: "./p", fact: "11a4 0" }),
  "a socket": listOf({ name: "./s", fact: "c1ed 0" }),
  "a device": listOf({ name: "./b", fact: "61b0 0" }),
  "a character device": listOf({ name: "./c", fact: "21b6 0" }),
  "a size that no number can hold": listOf({ name: "./a", fact: "81a4 9999999999999999" }),
  "a negative size": listOf({ name: "./a", fact: "81a4 -1" }),
  "an entry without facts": listOf({ name: "./a", fact: "" }),
  "a batch larger than what follows": Buffer.from("sealed\n\n999999999\n"),
  "a count that is none": Buffer.from("sealed\n\n-1\n"),
  "a list that was cut": listOf({ name: "./a" }).subarray(0, 18),
  "an unknown first word": Buffer.from("maybe\n\n0\n"),
  nothing: Buffer.alloc(0),
};

describe("a machine's list of artifacts", () => {
  for (const [what, bytes] of Object.entries(hostile)) {
    it(`is refused as a whole for ${what}`, () => {
      expect(() => parseArtifactList(bytes)).toThrow(expect.objectContaining({ code: "artifact_failed" }));
    });
  }

  it("names the path that it is refused for", () => {
    const bytes = listOf({ name: "./ok" }, folder, link("./d/l", "../../log"));
    expect(() => parseArtifactList(bytes)).toThrow(expect.objectContaining({ details: { path: "d/l" } }));
  });

  it("tells files, programs, directories and links", () => {
    const bytes = listOf({ name: ".", fact: DIRECTORY }, folder, { name: "./d/a" }, { name: "./x", fact: "81ed 7" });
    const kinds = parseArtifactList(Buffer.from(bytes)).entries.map(({ kind, path, size }) => [kind, `${path}`, size]);
    expect(kinds).toEqual([
      ["directory", "d", 0],
      ["file", "d/a", 3],
      ["executable", "x", 7],
    ]);
    const linked = parseArtifactList(listOf(link("./l", "d/..\n"), link("./m", "l"), link("./m2", "m2")));
    expect(linked.entries.map(({ target }) => `${target}`)).toEqual(["d/..\n", "l", "m2"]);
  });
});
