/** The archive of a frozen tree: the system's tar, and zstd behind it where that pays, writing straight to where it goes. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { WaybillError } from "../../domain/errors.js";
import type { TreeEntry } from "../../domain/tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";
import { damaged } from "../tree/tree-manifest.js";
import type { InputPrograms } from "./remote-shell.js";

export type Codec = "none" | "zstd";

export interface ArchiveRequest {
  readonly tree: FrozenTree;
  /** Entries that travel; null: the whole tree. */
  readonly only: readonly TreeEntry[] | null;
  readonly codec: Codec;
}

export interface TreeArchive extends InputPrograms {
  /** What went wrong here, so far (`upload_failed`); null when nothing did. */
  failure(cause?: unknown): WaybillError | null;
  /** Ends what still runs. */
  stop(): void;
}

/** How much of what a program says is kept. */
const SAID_BYTES = 4096;

/** What programs say of a pipe or socket that nobody reads any more. */
const READER_LEFT = /Broken pipe|Connection reset|Wrote only|[Ww]rite error/;

interface Started {
  readonly program: string;
  readonly cwd: string;
}

/** A program that failed here. */
interface Failure {
  readonly program: string;
  readonly missing: boolean;
  readonly said: string;
}

/** Nothing is started before somebody says where to write. */
export function openArchive(request: ArchiveRequest): TreeArchive {
  const failures: Failure[] = [];
  const programs: ChildProcess[] = [];
  let stopped = false;
  const start = (name: string, args: readonly string[], output: Writable): Writable => {
    // GNU tar takes escapes in the argument of -C for what they stand for, so it is started where it is to read.
    const cwd = dirname(request.tree.path);
    const child = spawn(name, args, { cwd, stdio: ["pipe", output, "pipe"], env: { ...process.env, ...SETTINGS } });
    programs.push(child);
    watch({ program: name, cwd }, child, failures);
    // A program that could not be started, or that left, has no end to write to; its exit says why.
    child.stdin.on("error", () => undefined);
    return child.stdin;
  };
  return {
    writeTo: (stdin) => {
      if (stopped) return;
      if (request.codec === "none") start("tar", tarArguments(request), stdin).end(namesOf(request));
      else {
        const compressed = start("zstd", ["-1", "-q", "-c"], stdin);
        start("tar", tarArguments(request), compressed).end(namesOf(request));
        // Only tar holds it now, so that zstd sees the end when tar has ended.
        compressed.destroy();
      }
    },
    stop: () => {
      stopped = true;
      for (const program of programs) program.kill("SIGKILL");
    },
    failure: (cause) => {
      const [first] = failures;
      if (stopped || first === undefined) return null;
      return first.missing ? notInstalled(first, cause) : damaged(request.tree, first.said, cause);
    },
  };
}

/** Whether a program can be found here. */
export async function isInstalled(program: string): Promise<boolean> {
  const places = (process.env.PATH ?? "").split(delimiter).filter((place) => place !== "");
  const found = await Promise.allSettled(places.map((place) => access(join(place, program), constants.X_OK)));
  return found.some(({ status }) => status === "fulfilled");
}

/** No settings of the user's, and on macOS no second file for each file's attributes. */
const SETTINGS = { LC_ALL: "C", TAR_OPTIONS: "", COPYFILE_DISABLE: "1" };

/** Names in the archive begin with the tree's hash, so that none can be taken for an option. */
function tarArguments({ tree, only }: ArchiveRequest): string[] {
  return only === null ? ["-cf", "-", basename(tree.path)] : ["--null", "--no-recursion", "-cf", "-", "-T", "-"];
}

function namesOf({ tree, only }: ArchiveRequest): Buffer {
  const root = Buffer.from(basename(tree.path));
  const names = (only ?? []).map(({ path }) => Buffer.concat([root, Buffer.from("/"), path, Buffer.alloc(1)]));
  return Buffer.concat([root, Buffer.alloc(1), ...names]);
}

function watch({ program, cwd }: Started, child: ChildProcess, failures: Failure[]): void {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-SAID_BYTES);
  });
  child.on("error", (cause: NodeJS.ErrnoException) => {
    failures.push({
      program,
      // The directory may have gone as well.
      missing: cause.code === "ENOENT" && existsSync(cwd),
      said: `${program} cannot be started: ${cause.message}`,
    });
  });
  child.on("exit", (code, signal) => {
    // Whoever read has left, and says why: the machine, the connection, or the program behind this one.
    if (code === 0 || signal === "SIGPIPE" || READER_LEFT.test(said)) return;
    const words = said.trim().slice(-500);
    failures.push({ program, missing: false, said: `${program} left with ${code ?? signal}${words && `: ${words}`}` });
  });
}

const notInstalled = ({ program, said }: Failure, cause: unknown): WaybillError =>
  new WaybillError("upload_failed", `The directory cannot be packed on this computer: ${said}.`, {
    hint: `Install ${program} here, or check PATH.`,
    details: { program },
    cause,
  });
