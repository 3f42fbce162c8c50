/** A Waybill of its own: home, machines and work below one temporary directory, and nothing of it left afterwards. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtDist } from "./built-cli.js";
import { type CliOptions, type CliResult, dataOf, type LiveCli, runCli, startCli } from "./cli-process.js";
import { processesWith, signal } from "./processes.js";
import { until } from "./until.js";

/** Keys of a machine as `machines.yaml` has them. */
export interface MachineLines {
  readonly slots?: number;
  readonly tags?: readonly string[];
  readonly transport?: string;
  readonly host?: string;
  readonly user?: string;
  readonly port?: number;
  readonly ssh_config?: string;
  readonly identity_file?: string;
  readonly proxy_jump?: string;
  readonly connect_timeout?: string;
  readonly work_dir?: string;
}

/** Keys of a plan's entry as the file has them; `dir` defaults to `name`. */
export interface EntryLines {
  readonly name: string;
  readonly dir?: string;
  readonly machine?: string;
  readonly tag?: string;
  readonly timeout?: string;
  readonly retries?: number;
  readonly on_unreachable?: string;
  readonly on_return?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Sandbox {
  /** Absolute; every process of the sandbox has it in its environment or command line. Commands run here by default. */
  readonly dir: string;
  /** `WAYBILL_HOME`; not there until first used. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `waybill ARGS` to its end. */
  cli(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Runs `waybill ARGS --json` and answers with its data, whatever its exit code. */
  json<T>(args: readonly string[], options?: CliOptions): Promise<T>;
  /** Starts `waybill ARGS` and leaves it running. */
  spawnCli(args: readonly string[], options?: CliOptions): LiveCli;
  /** Writes a directory with a `run.sh` (the shebang is added) and further files. @returns its path */
  work(name: string, script: string, files?: Readonly<Record<string, string | Uint8Array>>): string;
  /** Writes `machines.yaml`, from which the sandbox's commands read their inventory. */
  machines(machines: Readonly<Record<string, MachineLines>>): void;
  /** Writes a plan. @returns its path */
  plan(name: string, entries: readonly EntryLines[]): string;
  /** Writes a module of tasks that has `defineTask`, the errors of handlers, and `anything`, a schema that takes all. @returns its path */
  tasks(name: string, source: string): string;
  path(name: string): string;
  /** Ends every process that carries the sandbox's path, and removes the directory. */
  dispose(): Promise<void>;
}

function writeIn(dir: string, name: string, content: string | Uint8Array, mode = 0o644): string {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
  return path;
}

/** One line, so that places in the source are known. */
const taskPreamble = (): string =>
  `import { defineTask, RetryableError, Snooze, TerminalError } from ${JSON.stringify(pathToFileURL(join(builtDist(), "index.js")).href)};` +
  'const anything = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };\n';

/** By pid, and only what carries the path that was made for this test. */
async function endProcessesOf(dir: string): Promise<void> {
  await until(`every process of ${dir} is gone`, () => {
    const left = processesWith(dir);
    for (const { pid } of left) signal(pid, "SIGKILL");
    return left.length === 0;
  });
}

/** Before `--`, after which everything is the program's. */
function withJson(args: readonly string[]): string[] {
  const at = args.indexOf("--");
  return at < 0 ? [...args, "--json"] : [...args.slice(0, at), "--json", ...args.slice(at)];
}

export function createSandbox(): Sandbox {
  const dir = mkdtempSync(join(tmpdir(), "waybill-test-"));
  const home = join(dir, "home");
  const inherited = { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C.UTF-8", HOME: dir, NO_COLOR: "1" };
  // Shared ssh connections have their sockets below the runtime directory, and are known by them: ssh hides its environment.
  const env: Record<string, string> = { ...inherited, WAYBILL_HOME: home, XDG_RUNTIME_DIR: dir };
  const optionsOf = (options: CliOptions = {}): CliOptions => ({ cwd: dir, ...options });
  return {
    dir,
    home,
    env,
    cli: (args, options) => runCli(args, env, optionsOf(options)),
    json: async <T>(args: readonly string[], options?: CliOptions) =>
      dataOf<T>(args, await runCli(withJson(args), env, optionsOf(options))),
    spawnCli: (args, options) => startCli(args, env, optionsOf(options)),
    work: (name, script, files = {}) => {
      writeIn(dir, join(name, "run.sh"), `#!/bin/sh\n${script}\n`, 0o755);
      for (const [file, content] of Object.entries(files)) writeIn(dir, join(name, file), content);
      return join(dir, name);
    },
    machines: (machines) => {
      env.WAYBILL_MACHINES = writeIn(dir, "machines.yaml", JSON.stringify({ machines }));
    },
    plan: (name, entries) => {
      const lines = entries.map((entry) => ({ ...entry, dir: entry.dir ?? entry.name }));
      return writeIn(dir, name, JSON.stringify({ version: 1, entries: lines }));
    },
    tasks: (name, source) => writeIn(dir, name, `${taskPreamble()}${source}\n`),
    path: (name) => join(dir, name),
    dispose: async () => {
      await endProcessesOf(dir);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
