/** One `waybill` process under test, with all that it has said so far. */
import { type ChildProcess, spawn } from "node:child_process";
import { builtCli } from "./built-cli.js";
import { DEADLINE_MS, until } from "./until.js";

export interface CliResult {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Stdout as it was written. */
  readonly bytes: Buffer;
}

export interface CliOptions {
  /** Added to the sandbox's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to stdin; without it stdin is empty. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Milliseconds until the process is killed and the test fails. */
  readonly deadlineMs?: number;
}

export interface LiveCli {
  readonly pid: number;
  readonly ended: Promise<CliResult>;
  hasEnded(): boolean;
  /** What it has written to stdout so far. */
  bytes(): Buffer;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once stderr or stdout holds a match; fails when the process ends before or the deadline passes. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
}

function describe(args: readonly string[], result: CliResult): string {
  const end = result.signal ?? result.code;
  return `waybill ${args.join(" ")} ended with ${end}\nstdout: ${result.stdout.slice(-2_000)}\nstderr: ${result.stderr.slice(-4_000)}`;
}

function collect(child: ChildProcess): {
  readonly out: Buffer[];
  readonly err: Buffer[];
  readonly ended: Promise<CliResult>;
} {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const bytes = Buffer.concat(out);
      resolve({ code, signal, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() });
    });
  });
  return { out, err, ended };
}

/** Starts `waybill` with exactly the environment `env`. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>>, options: CliOptions): LiveCli {
  const child = spawn(process.execPath, [builtCli(), ...args], {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A program that does not read its input closes the pipe before it is written; nothing is wrong then.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const { out, err, ended } = collect(child);
  let done = false;
  void ended.finally(() => {
    done = true;
  });
  const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString();
  return {
    pid: child.pid ?? 0,
    ended,
    hasEnded: () => done,
    bytes: () => Buffer.concat(out),
    stdout: () => text(out),
    stderr: () => text(err),
    kill: (signal) => void child.kill(signal),
    says: (pattern) =>
      until(`waybill ${args.join(" ")} says ${pattern}`, async () => {
        const found = pattern.exec(text(err)) ?? pattern.exec(text(out));
        if (found === null && done) throw new Error(describe(args, await ended));
        return found;
      }),
  };
}

/** Runs `waybill` to its end. Kills it and fails when the deadline passes. */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  options: CliOptions = {},
): Promise<CliResult> {
  const live = startCli(args, env, options);
  let late = false;
  const timer = setTimeout(
    () => {
      late = true;
      live.kill("SIGKILL");
    },
    options.deadlineMs ?? 2 * DEADLINE_MS,
  );
  const result = await live.ended.finally(() => clearTimeout(timer));
  if (late) throw new Error(`It did not end in time: ${describe(args, result)}`);
  return result;
}

/** The data of a `--json` answer. Fails when there was none, with what was said instead. */
export function dataOf<T>(args: readonly string[], result: CliResult): T {
  if (result.stdout === "") throw new Error(describe(args, result));
  return (JSON.parse(result.stdout) as { data: T }).data;
}
