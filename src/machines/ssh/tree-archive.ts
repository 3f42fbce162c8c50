/** The archive of a frozen tree as a stream: the system's tar, and zstd behind it where that pays. */
import { type ChildProcess, spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import type { TreeEntry } from "../../domain/tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";

export type Codec = "none" | "zstd";

export interface ArchiveRequest {
  readonly tree: FrozenTree;
  /** Entries that travel; null: the whole tree. */
  readonly only: readonly TreeEntry[] | null;
  readonly codec: Codec;
}

export interface TreeArchive {
  readonly stream: Readable;
  /** What went wrong here, so far: a program's last words; null when nothing did. */
  failure(): string | null;
  /** Ends what still runs. */
  stop(): void;
}

/** How much of what a program says is kept. */
const SAID_BYTES = 4096;

/** Starts the programs. Nothing is read ahead of the stream's reader but what pipes hold. */
export function openArchive(request: ArchiveRequest): TreeArchive {
  const tar = spawn("env", tarCommand(request), { stdio: ["pipe", "pipe", "pipe"] });
  const failures: string[] = [];
  const programs: ChildProcess[] = [tar];
  watch("tar", tar, failures);
  // A tar that could not be started has no end to write to, and says why by itself.
  tar.stdin.on("error", () => undefined);
  tar.stdin.end(namesOf(request));
  // Node throws away what a program that has ended printed to a pipe without a reader, so there is one from the beginning.
  const stream = new PassThrough();
  if (request.codec === "zstd") {
    const zstd = spawn("zstd", ["-1", "-q", "-c"], { stdio: ["pipe", "pipe", "pipe"] });
    programs.push(zstd);
    watch("zstd", zstd, failures);
    zstd.stdin.on("error", () => undefined); // It left early, and its exit says so.
    tar.stdout.pipe(zstd.stdin);
    zstd.stdout.pipe(stream);
  } else tar.stdout.pipe(stream);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    for (const program of programs) program.kill("SIGKILL");
    stream.destroy();
  };
  return { stream, stop, failure: () => (stopped ? null : (failures[0] ?? null)) };
}

/** Names in the archive begin with the tree's hash, so that none can be taken for an option. */
function tarCommand({ tree, only }: ArchiveRequest): string[] {
  // No settings of the user's, and on macOS no second file for each file's attributes.
  const settings = ["LC_ALL=C", "TAR_OPTIONS=", "COPYFILE_DISABLE=1"];
  const place = ["-C", dirname(tree.path), "-cf", "-"];
  if (only === null) return [...settings, "tar", ...place, basename(tree.path)];
  return [...settings, "tar", "--null", "--no-recursion", ...place, "-T", "-"];
}

function namesOf({ tree, only }: ArchiveRequest): Buffer {
  const root = Buffer.from(basename(tree.path));
  const names = (only ?? []).map(({ path }) => Buffer.concat([root, Buffer.from("/"), path, Buffer.alloc(1)]));
  return Buffer.concat([root, Buffer.alloc(1), ...names]);
}

function watch(name: string, program: ChildProcess, failures: string[]): void {
  let said = "";
  program.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-SAID_BYTES);
  });
  program.on("error", (cause) => failures.push(`${name} cannot be started: ${cause.message}`));
  program.on("exit", (code, signal) => {
    if (code === 0) return;
    failures.push(`${name} left with ${code ?? signal}${said.trim() === "" ? "" : `: ${said.trim().slice(-500)}`}`);
  });
}
