/** The verbs of the machine's side on this very host: the same script as everywhere, carried out by `sh`. */
import { spawn } from "node:child_process";
import { WaybillError } from "../../domain/errors.js";
import type { Environment } from "../environment.js";
import { giveInput } from "../ssh/give-input.js";
import type { RemoteAnswer, RemoteCall, RemoteShell } from "../ssh/remote-shell.js";
import { installSupervisor } from "../supervisor/source.js";
import { binDir } from "./run-directory.js";

export interface LocalShellOptions {
  readonly environment: Environment;
  /** The shell and its arguments. Default: `/bin/sh`. */
  readonly shell?: readonly string[];
}

/** Errors of `call`: `spawn_failed` when there is no shell, or when it was stopped by the deadline. */
export function createLocalShell(workDir: string, options: LocalShellOptions): Pick<RemoteShell, "call"> {
  return { call: (call) => callHere(workDir, options, call) };
}

async function callHere(
  workDir: string,
  { environment, shell = ["/bin/sh"] }: LocalShellOptions,
  { verb, args, env, input, deadlineMs, signal }: RemoteCall,
): Promise<RemoteAnswer> {
  const script = await installSupervisor(binDir(workDir));
  const [command = "/bin/sh", ...before] = shell;
  const child = spawn(command, [...before, script, verb, workDir, ...args], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...environment, ...env },
    ...(deadlineMs === null ? {} : { timeout: deadlineMs, killSignal: "SIGKILL" }),
    ...(signal && { signal }),
  });
  // A verb may leave without reading what it was given.
  child.stdin.on("error", () => undefined);
  giveInput(child.stdin, input ?? new Uint8Array());
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).catch((cause: Error) => {
    signal?.throwIfAborted();
    throw new WaybillError("spawn_failed", `${command} cannot be started: ${cause.message}.`, { cause });
  });
  if (status !== null) return { status, output: Buffer.concat(chunks) };
  throw new WaybillError("spawn_failed", `The verb ${verb} was stopped: it had not ended within ${deadlineMs} ms.`, {
    hint: `Is the file system of ${workDir} in order?`,
  });
}
