/** An engine in a process of its own, beside the command line under test. The sandbox ends what is left of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { EngineOptions } from "../../src/index.js";
import { builtDist } from "../harness/built-cli.js";
import type { LiveCli } from "../harness/cli-process.js";
import type { Sandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

const PROGRAM = fileURLToPath(new URL("../fixtures/tasks/engine-of-module.mjs", import.meta.url));

export interface TaskEngine {
  readonly pid: number;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
  /** Lets handlers stop at once, and resolves when it has ended by itself. */
  stop(): Promise<void>;
}

/** Starts `waybill serve`, and resolves when it executes tasks. */
export async function serveTasks(
  box: Sandbox,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<LiveCli> {
  const live = box.spawnCli(["serve", "--port", "0", "--auth", "none", ...args], { env });
  await live.says(/serve\.listening/);
  return live;
}

/** @param module a file that `box.tasks` wrote; null for an engine that knows commands alone */
export async function startTaskEngine(
  box: Sandbox,
  module: string | null,
  options: Partial<EngineOptions> = {},
): Promise<TaskEngine> {
  const url = (path: string): string => pathToFileURL(path).href;
  const facts = { lib: url(join(builtDist(), "index.js")), module: module === null ? null : url(module), options };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(facts)], { cwd: box.dir, env: box.env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (said += String(bytes)));
  await until("the engine is ready", () => {
    if (child.exitCode !== null) throw new Error(`The engine ended with ${child.exitCode}: ${said}`);
    return said.includes("ready");
  });
  const end = (signal: NodeJS.Signals) => async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  return { pid: child.pid ?? 0, kill: end("SIGKILL"), stop: end("SIGTERM") };
}
