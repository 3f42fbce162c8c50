/**
 * The warden of a worker: a tiny process beside it, in a session of its own, that outlives it only to end what its children
 * left running.
 *
 * A worker's lease names the warden as its holder. So the death of the worker, by KILL too, becomes a proof that others
 * may act on only once none of its children runs any more (warden.sh).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { WaybillError } from "../../domain/errors.js";
import type { ProcessIdentity } from "../../domain/lease.js";
import type { Environment } from "../environment.js";
import { identityOf } from "../process-identity.js";

/** Beside this module in the sources, beside the bundle once built. */
const SCRIPT = fileURLToPath(new URL("./warden.sh", import.meta.url));

export interface WardenOptions {
  /** Between asking what is left to end and killing it; milliseconds. */
  readonly graceMs: number;
  /** Removed with all that is in it when the worker is gone. */
  readonly directory: string;
  readonly environment: Environment;
}

export interface Warden {
  readonly identity: ProcessIdentity;
  /** Aborted when it is gone: whatever runs is looked after by nobody, and its death is taken for the worker's. */
  readonly gone: AbortSignal;
  /** Puts a process group into its care. Resolves when it knows even if this process dies now. Errors: `lost`. */
  add(group: number): Promise<void>;
  /** Nothing of the group is left. */
  remove(group: number): void;
  /** Lets it end what is in its care, as if this process had died. Resolves when it is gone. */
  dismiss(): Promise<void>;
}

/** Errors: `spawn_failed` when there is no shell that works. */
export async function startWarden({ graceMs, directory, environment }: WardenOptions): Promise<Warden> {
  const args = [SCRIPT, String(Math.ceil(graceMs)), directory];
  const child = spawn("/bin/sh", args, {
    cwd: "/",
    detached: true,
    env: environment,
    stdio: ["pipe", "pipe", "ignore"],
  });
  // What it can no longer be told does not matter: its end is told by `gone`.
  child.stdin.on("error", () => undefined);
  const gone = new AbortController();
  const ended = endOf(child).then(() => gone.abort());
  await readiness(child);
  child.unref();
  return {
    identity: identityNow(child),
    gone: gone.signal,
    add: (group) => tell(child, `add ${group}\n`),
    remove: (group) => void child.stdin.write(`del ${group}\n`),
    dismiss: async () => {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

const endOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once("exit", () => resolve());
  });

/** Resolves when it cannot be interrupted any more. */
async function readiness(child: ChildProcess): Promise<void> {
  const over = new Promise<never>((_resolve, reject) => {
    const fail = (how: string, cause?: Error): void =>
      reject(new WaybillError("spawn_failed", `/bin/sh ${how}.`, { hint: "A worker needs a POSIX shell.", cause }));
    child.once("error", (cause) => fail(`cannot be started: ${cause.message}`, cause));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal} before it watched over anything`));
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout?.once("data", () => resolve());
  });
  await Promise.race([ready, over]);
  child.stdout?.destroy();
}

function identityNow({ pid = 0 }: ChildProcess): ProcessIdentity {
  const identity = identityOf(pid);
  if (identity !== null) return identity;
  throw new WaybillError("lost", `The warden (pid ${pid}) was gone as soon as it had been started.`);
}

/** What has been written is in the pipe, whatever becomes of the writer. */
const tell = ({ stdin }: ChildProcess, line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    stdin?.write(line, (cause) => {
      if (!cause) return resolve();
      reject(new WaybillError("lost", "The warden of this worker is gone.", { cause }));
    });
  });
