/** What a machine must find in a tree that arrived, in the form in which its own tools tell it (84-trees.sh, `prove_tree`). */
import { createHash } from "node:crypto";
import { compareBytes, type TreeEntry, type TreeEntryKind } from "../../domain/tree.js";

export interface TreeProof {
  /** "directories links files executables", the root counted among the directories and executables among the files. */
  readonly counts: string;
  /** SHA-256 of the sorted lines "HASH  ./PATH", one for each way in which tools write awkward names; separated by spaces. */
  readonly digests: string;
}

/**
 * How tools that compute hashes write a name: as it is (busybox, LibreSSL), with newlines escaped (openssl), with
 * backslashes as well (shasum, older coreutils), or with returns too (coreutils since 9). Who escapes puts a backslash
 * before the line.
 */
const WRITINGS: readonly (readonly (readonly [string, string])[])[] = [
  [],
  [["\n", "\\n"]],
  [
    ["\\", "\\\\"],
    ["\n", "\\n"],
  ],
  [
    ["\\", "\\\\"],
    ["\n", "\\n"],
    ["\r", "\\r"],
  ],
];

/** Backslash, newline and return: what any of them escapes. */
const ESCAPED = [0x5c, 0x0a, 0x0d] as const;

export function proofOf(entries: readonly TreeEntry[]): TreeProof {
  const count = (kind: TreeEntryKind): number => entries.filter((entry) => entry.kind === kind).length;
  const counts = [count("directory") + 1, count("link"), count("file") + count("executable"), count("executable")];
  // Names that nobody escapes are the rule, and then all write the same.
  const writings = entries.some(({ path }) => ESCAPED.some((byte) => path.includes(byte))) ? WRITINGS : [[]];
  const digests = writings.map((escapes) => digestOf(entries, escapes));
  return { counts: counts.join(" "), digests: [...new Set(digests)].join(" ") };
}

function digestOf(entries: readonly TreeEntry[], escapes: readonly (readonly [string, string])[]): string {
  const text = entries.flatMap((entry) => (isFile(entry) ? [lineOf(entry, escapes)] : [])).join("");
  // Sorted as the machine sorts: by lines, and a name that is written as it is may take several.
  const lines = text.split("\n").slice(0, -1);
  const sorted = lines.map((line) => Buffer.from(`${line}\n`, "latin1")).sort(compareLines);
  const hash = createHash("sha256");
  for (const line of sorted) hash.update(line);
  return hash.digest("hex");
}

const isFile = ({ kind }: TreeEntry): boolean => kind === "file" || kind === "executable";

/** The newline that ends a line does not count: a line sorts before those that it begins. */
const compareLines = (a: Buffer, b: Buffer): number => compareBytes(a.subarray(0, -1), b.subarray(0, -1));

function lineOf({ path, content }: TreeEntry, escapes: readonly (readonly [string, string])[]): string {
  // latin1 keeps every byte apart.
  const name = Buffer.from(path).toString("latin1");
  const written = escapes.reduce((text, [from, to]) => text.replaceAll(from, to), name);
  return `${written === name ? "" : "\\"}${Buffer.from(content).toString("latin1")}  ./${written}\n`;
}
