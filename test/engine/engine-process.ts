/** Engines in processes of their own, built as they are published. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { EngineOptions } from "../../src/engine/open-engine.js";
import { builtDist } from "../harness/built-cli.js";
import { until } from "../harness/until.js";
import type { Workshop } from "./workshop.js";

const PROGRAM = fileURLToPath(new URL("../fixtures/tasks/engine-process.mjs", import.meta.url));

export interface EngineProcess {
  readonly child: ChildProcess;
  /** What it has printed, by line. */
  readonly said: readonly string[];
  /** Resolves when it has printed a line that starts so. */
  saying(start: string): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Kills it, and resolves when it is gone. */
  kill(): Promise<void>;
}

export async function startEngineProcess(shop: Workshop, options: Partial<EngineOptions> = {}): Promise<EngineProcess> {
  const lib = pathToFileURL(join(builtDist(), "index.js")).href;
  const facts = { lib, store: `file:${shop.path}`, dir: shop.dir, options };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(facts)], { stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  let errors = "";
  let rest = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    const lines = `${rest}${bytes}`.split("\n");
    rest = lines.pop() ?? "";
    said.push(...lines);
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    errors += String(bytes);
  });
  const saying = (start: string): Promise<string> =>
    until(`an engine says "${start}"`, () => {
      const line = said.find((words) => words.startsWith(start));
      if (line === undefined && child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${errors}`);
      return line;
    });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const process_ = { child, said, saying, kill, signal: (name: NodeJS.Signals) => void child.kill(name) };
  await saying("ready");
  return process_;
}

/** The notes of handlers: who executed which attempt of which task. */
export function notesIn(shop: Workshop): readonly { id: string; attempt: number; fence: number; pid: number }[] {
  const lines = readFileSync(join(shop.dir, "notes"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const [id = "", attempt, fence, pid] = line.split(" ");
    return { id, attempt: Number(attempt), fence: Number(fence), pid: Number(pid) };
  });
}
