/**
 * Reads and judges what a machine says that it has for us. The machine is not trusted: whatever could make us write outside
 * the folder, or more than was announced, is refused here, before anything is written.
 */
import type { WaybillError } from "../../domain/errors.js";
import { linkStaysInside } from "../../domain/tree.js";
import { refusal } from "../artifacts/brought-artifacts.js";
import { parentsOf, showName } from "../artifacts/selection.js";
import type { ScannedEntry } from "../tree/scan-tree.js";
import { resolvesInside } from "./link-resolution.js";

/** What the verb `artifacts` printed (supervisor/sh/85-artifacts.sh). */
export interface ArtifactList {
  /** Whether the list of hashes was made when the run ended; else just now. */
  readonly sealed: boolean;
  /** The list of hashes, as the machine keeps it. */
  readonly manifest: Buffer;
  readonly entries: readonly ScannedEntry[];
}

const [NEWLINE, NUL] = [0x0a, 0];
/** No system takes a longer path, or keeps a longer target (PATH_MAX). */
const LONGEST_PATH = 4096;
/** Of a file's mode (POSIX, <sys/stat.h>): its kind, and whether its owner may execute it. */
const [KIND, FILE, DIRECTORY, LINK, EXECUTE] = [0xf000, 0x8000, 0x4000, 0xa000, 0o100];

/** @throws `artifact_failed` naming the path and what is wrong with it; then nothing of the list may be used. */
export function parseArtifactList(printed: Buffer): ArtifactList {
  const reader = new Reader(printed);
  const word = reader.line();
  if (word !== "sealed" && word !== "unsealed") throw unreadable();
  const manifest = reader.manifest();
  const found = new Map<string, ScannedEntry>();
  for (let count = reader.count(); count > 0; count = reader.count()) {
    const facts = Array.from({ length: count }, () => reader.line());
    for (const fact of facts) addEntry(found, reader.until(NUL).toString("latin1"), fact);
  }
  for (const [name, target] of reader.links()) addTarget(found, name, target);
  judge(found);
  return { sealed: word === "sealed", manifest, entries: [...found.values()] };
}

const unreadable = (): WaybillError => refusal("artifacts", "came with a list that cannot be read");

/** Steps through the printed bytes; every step refuses what it cannot read. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  until(end: number): Buffer {
    const at = this.#bytes.indexOf(end, this.#at);
    if (at < 0) throw unreadable();
    const piece = this.#bytes.subarray(this.#at, at);
    this.#at = at + 1;
    return piece;
  }

  line = (): string => this.until(NEWLINE).toString("latin1");

  /** All lines up to an empty one. */
  manifest(): Buffer {
    const begin = this.#at;
    while (this.until(NEWLINE).length > 0);
    return this.#bytes.subarray(begin, this.#at - 1);
  }

  /** No batch can have more entries than bytes follow, so a lie about it costs no memory. */
  count(): number {
    const text = this.line();
    const count = Number(text);
    if (/^\d{1,9}$/.test(text) && count <= this.#bytes.length - this.#at) return count;
    throw unreadable();
  }

  *links(): Generator<[string, Buffer]> {
    while (this.#at < this.#bytes.length) {
      const name = this.until(NUL).toString("latin1");
      const target = this.until(NUL);
      // The newline is the one that `readlink` adds.
      yield [name, target.subarray(0, Math.max(0, target.length - 1))];
    }
  }
}

function addEntry(found: Map<string, ScannedEntry>, name: string, fact: string): void {
  const [, mode = "", digits = ""] = /^([0-9A-Fa-f]{1,8}) (\d{1,16})$/.exec(fact) ?? [];
  if (mode === "") throw refusal(showName(name), "came without a mode and a size");
  if (name === ".") return;
  const path = mustBeInside(name);
  if (found.has(path)) throw refusal(showName(path), "is named twice");
  const bits = Number.parseInt(mode, 16);
  const size = Number(digits);
  if (!Number.isSafeInteger(size)) throw refusal(showName(path), `has an impossible size, ${digits} bytes`);
  const at = Buffer.from(path, "latin1");
  if ((bits & KIND) === DIRECTORY) found.set(path, { kind: "directory", path: at, size: 0, target: null });
  else if ((bits & KIND) === LINK) found.set(path, { kind: "link", path: at, size: 0, target: null });
  else if ((bits & KIND) === FILE) {
    found.set(path, { kind: (bits & EXECUTE) === 0 ? "file" : "executable", path: at, size, target: null });
  } else throw refusal(showName(path), "is neither file, directory nor link");
}

/** The path without its leading `./`: relative, and every part of it a name. */
function mustBeInside(name: string): string {
  const path = name.startsWith("./") ? name.slice(2) : "";
  const parts = path.split("/");
  const isPath = parts.every((part) => part !== "" && part !== "." && part !== "..");
  if (isPath && path.length <= LONGEST_PATH) return path;
  throw refusal(name === "" ? '""' : showName(name.slice(0, LONGEST_PATH)), "is not a path inside the folder");
}

function addTarget(found: Map<string, ScannedEntry>, name: string, target: Buffer): void {
  const path = mustBeInside(name);
  const entry = found.get(path);
  if (entry?.kind !== "link") throw refusal(showName(path), "points somewhere, and is no link that was announced");
  if (entry.target !== null) throw refusal(showName(path), "is named twice");
  if (target.length === 0 || target.length > LONGEST_PATH) throw refusal(showName(path), "is a link to no path");
  found.set(path, { ...entry, target });
}

/** What only the whole list can tell: every parent is a directory, and every link stays inside, also through other links. */
function judge(found: ReadonlyMap<string, ScannedEntry>): void {
  for (const [path, entry] of found) {
    for (const parent of parentsOf(path)) {
      if (found.get(parent)?.kind !== "directory") throw refusal(showName(path), "lies below what is no directory");
    }
    if (entry.kind !== "link") continue;
    if (entry.target === null) throw refusal(showName(path), "is a link without a target");
    const target = entry.target.toString("latin1");
    if (linkStaysInside(path, target) && resolvesInside(found, path)) continue;
    throw refusal(showName(path), `points to ${showName(target)}, which is outside the directory`);
  }
}
