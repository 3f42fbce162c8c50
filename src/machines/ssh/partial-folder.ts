/**
 * The hidden folder in which artifacts arrive. What a cut left in it is the only record of how far it came: a file of the
 * announced size and hash is whole, a shorter large one goes on where it stopped, anything else comes again.
 */
import { createHash, type Hash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import { mustHaveHash } from "../artifacts/brought-artifacts.js";
import { forEachBounded } from "../tree/bounded.js";
import { joinBytes } from "../tree/byte-path.js";
import { hashFile } from "../tree/hash-tree.js";
import { type ScannedEntry, scanTree } from "../tree/scan-tree.js";

/** From this size on a file that came in part goes on where it stopped; a smaller one comes again. */
export const RESUMABLE_BYTES = 64 * 1024 * 1024;

const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW } = constants;
/** A new file, which must not be there in any form; or one of ours to go on with. Never through a link. */
const [FRESH, MORE] = [O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, O_WRONLY | O_APPEND | O_NOFOLLOW];

/** A file that is still to come, from byte `from` on. */
export interface Missing {
  readonly entry: ScannedEntry;
  readonly from: number;
}

export class PartialFolder {
  readonly path: string;
  readonly #entries: readonly ScannedEntry[];
  readonly #hashes: ReadonlyMap<string, string>;

  constructor(destination: string, entries: readonly ScannedEntry[], hashes: ReadonlyMap<string, string>) {
    this.path = join(destination, ".partial");
    this.#entries = entries;
    this.#hashes = hashes;
  }

  /**
   * Removes what does not belong, makes the directories, and takes over what an earlier collection brought.
   *
   * @param brought the folder of an earlier collection, which may hold some of the files.
   * @returns what is still to come, in the order in which it should.
   */
  async prepare(brought: string, signal?: AbortSignal): Promise<readonly Missing[]> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await this.#clear(signal);
    for (const entry of this.#parentsFirst()) await mkdir(this.#at(entry), { recursive: true, mode: 0o700 });
    const missing: Missing[] = [];
    const files = this.#entries.filter((entry) => entry.kind === "file" || entry.kind === "executable");
    await forEachBounded(
      files,
      async (entry) => {
        const from = (await this.#isWhole(this.#at(entry), entry, signal))
          ? null
          : await this.#resume(entry, brought, signal);
        if (from !== null) missing.push({ entry, from });
      },
      signal,
    );
    return missing.sort((a, b) => Buffer.compare(a.entry.path, b.entry.path));
  }

  /** Links come last, so that nothing is ever written through one. */
  async addLinks(): Promise<void> {
    for (const entry of this.#entries) if (entry.target !== null) await symlink(entry.target, this.#at(entry));
  }

  async receive({ entry, from }: Missing): Promise<Receipt> {
    const hash = createHash("sha256");
    if (from > 0) for await (const piece of createReadStream(this.#at(entry))) hash.update(piece as Buffer);
    const mode = entry.kind === "executable" ? 0o700 : 0o600;
    const file = await open(this.#at(entry), from > 0 ? MORE : FRESH, mode);
    return new Receipt(file, hash, entry, entry.size - from, this.#hashes);
  }

  remove = (): Promise<void> => rm(this.path, { recursive: true, force: true });

  /** Keeps what has a name and a kind that were announced; links are made anew. */
  async #clear(signal?: AbortSignal): Promise<void> {
    const wanted = new Map(this.#entries.map((entry) => [entry.path.toString("latin1"), entry]));
    const scanned = scanTree(this.path, { ignoring: false, ...(signal && { signal }) });
    const found = await scanned.catch(async (error: unknown) => {
      if (!(error instanceof WaybillError)) throw error;
      // Something lies in it that never comes from here, such as a link that leaves it: none of it is trusted.
      await this.remove();
      await mkdir(this.path, { mode: 0o700 });
      return [];
    });
    for (const { path, kind } of found) {
      const entry = wanted.get(path.toString("latin1"));
      if (kind !== "link" && entry?.kind === kind) continue;
      await rm(joinBytes(this.path, path), { recursive: true, force: true });
    }
  }

  async #isWhole(path: Buffer, entry: ScannedEntry, signal?: AbortSignal): Promise<boolean> {
    const stats = await lstat(path).catch(() => null); // Not here yet.
    if (stats === null || !stats.isFile() || stats.size !== entry.size) return false;
    return (await hashFile(path, entry.size, signal)) === this.#hashes.get(entry.path.toString("latin1"));
  }

  /** The byte to go on from; null when an earlier collection had the file, and now it is here too. */
  async #resume(entry: ScannedEntry, brought: string, signal?: AbortSignal): Promise<number | null> {
    const path = this.#at(entry);
    const size = await lstat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size > 0 && size < entry.size && entry.size >= RESUMABLE_BYTES) return size;
    await rm(path, { force: true });
    const earlier = joinBytes(brought, entry.path);
    if (!(await this.#isWhole(earlier, entry, signal))) return 0;
    return await link(earlier, path).then(
      () => null,
      () => 0, // No links on this file system: it comes again.
    );
  }

  #at = (entry: ScannedEntry): Buffer => joinBytes(this.path, entry.path);

  /** A path is longer than its parent's. */
  #parentsFirst(): readonly ScannedEntry[] {
    const directories = this.#entries.filter((entry) => entry.kind === "directory");
    return directories.sort((a, b) => a.path.length - b.path.length);
  }
}

/** One file while it arrives. */
export class Receipt {
  readonly #file: FileHandle;
  readonly #hash: Hash;
  readonly #entry: ScannedEntry;
  readonly #hashes: ReadonlyMap<string, string>;
  #left: number;

  constructor(file: FileHandle, hash: Hash, entry: ScannedEntry, left: number, hashes: ReadonlyMap<string, string>) {
    [this.#file, this.#hash, this.#entry, this.#left, this.#hashes] = [file, hash, entry, left, hashes];
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.#left;
  }

  isOf = (entry: ScannedEntry): boolean => this.#entry === entry;

  /** Takes what belongs to this file off the front of `bytes`, and returns the rest. */
  async take(bytes: Buffer): Promise<Buffer> {
    const own = bytes.subarray(0, this.#left);
    for (let at = 0; at < own.length; ) at += (await this.#file.write(own, at)).bytesWritten;
    this.#hash.update(own);
    this.#left -= own.length;
    return bytes.subarray(own.length);
  }

  /** @throws `artifact_failed` when it is not what was announced. */
  async finish(): Promise<void> {
    await this.close();
    mustHaveHash(this.#entry.path.toString("latin1"), this.#hash.digest("hex"), this.#hashes);
  }

  close = (): Promise<void> => this.#file.close();
}
