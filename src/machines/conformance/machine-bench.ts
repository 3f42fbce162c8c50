/** What the machine tests share: real directories, real programs, and waiting for facts instead of for time. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AttemptKey, MachineAnswer } from "../../domain/machine.js";
import type { Machine, StartRequest } from "../machine-port.js";
import { freezeTree } from "../tree/freeze-tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";

/** A machine under test, its work directory and the way to be rid of it. */
export interface Bench {
  readonly machine: Machine;
  readonly dir: string;
}

/** Polls until `fact` holds; fails with `what` after 30 s. */
export async function until<T>(what: string, fact: () => Promise<T | null | false> | T | null | false): Promise<T> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const found = await fact();
    if (found !== null && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`did not happen within 30 s: ${what}`);
}

export const freshDir = (): Promise<string> => mkdtemp(join(tmpdir(), "waybill-machine-"));

/** Removes a directory in which a process that was just ended may still be writing. */
export const removeDir = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 5 });

/** A frozen tree whose `run.sh` is `script`; `files` are further files by name. */
export async function treeOf(dir: string, script: string, files: Record<string, string> = {}): Promise<FrozenTree> {
  const source = await mkdtemp(join(dir, "source-"));
  await writeFile(join(source, "run.sh"), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(source, name, ".."), { recursive: true });
    await writeFile(join(source, name), content);
  }
  return freezeTree(source, join(dir, "frozen"));
}

let count = 0;

/** A request for a tree that is in place, without limits, under a run id of its own unless `changes` says otherwise. */
export function requestFor(tree: FrozenTree, changes: Partial<StartRequest> = {}): StartRequest {
  count += 1;
  return {
    runId: `run-${process.pid}-${count}`,
    attempt: 1,
    fence: 7,
    treeHash: tree.hash,
    command: null,
    entrypoint: "run.sh",
    args: [],
    timeoutMs: null,
    silenceMs: null,
    graceMs: 1_000,
    logLimitBytes: null,
    contactMs: null,
    env: {},
    ...changes,
  };
}

/** A request for a command in `directory`, without input and limits unless `changes` says otherwise. */
export function commandFor(
  directory: string,
  [entrypoint = "", ...args]: readonly string[],
  changes: Partial<StartRequest> = {},
): StartRequest {
  const nothing = { hash: "", path: "", files: 0, bytes: 0 };
  return requestFor(nothing, { entrypoint, args, command: { directory, input: null }, ...changes });
}

/** Prepares and starts `script`; answers with its request and the machine's first word. */
export async function begin(
  { machine, dir }: Bench,
  script: string,
  changes: Partial<StartRequest> = {},
): Promise<{ readonly request: StartRequest; readonly first: MachineAnswer }> {
  const tree = await treeOf(dir, script);
  await machine.prepare(tree);
  const request = requestFor(tree, changes);
  return { request, first: await machine.start(request) };
}

/** Runs `script` to its end and answers with the exit record. */
export async function runToEnd(bench: Bench, script: string, changes: Partial<StartRequest> = {}) {
  const { request } = await begin(bench, script, changes);
  return { request, exit: await exitOf(bench.machine, request) };
}

/** The exit record; fails when the machine's last word is another. */
export async function exitOf(machine: Machine, key: AttemptKey) {
  const last = await machine.settled(key);
  if (last.state !== "exit") throw new Error(`expected an exit record, the machine said ${JSON.stringify(last)}`);
  return last.exit;
}

/** All bytes of the log from `fromByte`. */
export async function logOf(machine: Machine, key: AttemptKey, fromByte = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of machine.follow(key, fromByte)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The first bytes of the log of an attempt that runs: then its program is up. */
export async function firstOutput(machine: Machine, key: AttemptKey): Promise<Buffer> {
  for await (const chunk of machine.follow(key, 0)) return Buffer.from(chunk);
  throw new Error("the attempt ended without a word");
}
