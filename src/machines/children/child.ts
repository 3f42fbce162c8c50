/**
 * A program that is executed for a worker: in a process group of its own, its input a file, its output passed on as it
 * comes, and nothing of its group left when it is over.
 *
 * What leaves the group (a daemon that makes a session of its own) is not followed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "../../domain/errors.js";
import { LONGEST_TIMER_MS } from "../../domain/longest-timer.js";
import type { Environment } from "../environment.js";
import { closeWriter, type Pipe, type PipeMaker } from "./pipe-maker.js";
import { askToEnd, groupLives, signalGroup } from "./process-group.js";
import type { Warden } from "./warden.js";

export type OutputStream = "stdout" | "stderr";

export interface ChildRequest {
  /** The program and its arguments; the program is looked for in the PATH of `environment`. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly environment: Environment;
  /** The file that it reads as stdin. */
  readonly inputFile: string;
  readonly warden: Warden;
  readonly pipes: PipeMaker;
  readonly onOutput: (stream: OutputStream, bytes: Buffer) => void;
}

/** How the program ended; one of both. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  /** Resolves when nothing of its group runs and its output has been passed on. */
  readonly ended: Promise<ChildEnd>;
  /** Whether `stop` was called while it ran. */
  readonly stopped: () => boolean;
  /** Asks the group to end, and kills what is left of it after `graceMs`; of several calls the earliest time counts. */
  stop(graceMs: number): void;
}

/**
 * Waits at stdin for leave to begin: a worker that dies between the start of the process and telling its warden leaves a
 * shell that finds its input at an end.
 */
const GATE = 'input=$1; shift; read -r go && exec "$@" <"$input"';

/** What outlives its leader gets this long after TERM; milliseconds. */
const LEFTOVER_GRACE_MS = 1_000;
/** Output that is still held open by somebody outside the group is no longer waited for; milliseconds. */
const OUTPUT_GRACE_MS = 1_000;
const LOOK_MS = 20;

/** Resolves when the program may begin. Errors: `spawn_failed`, and `lost` when the warden is gone. */
export async function startChild(request: ChildRequest): Promise<Child> {
  const { warden, pipes, onOutput } = request;
  const [out, err] = [await pipes.make(), await pipes.make()];
  const flowed = Promise.all([
    passOn(out.readable, (bytes) => onOutput("stdout", bytes)),
    passOn(err.readable, (bytes) => onOutput("stderr", bytes)),
  ]);
  const spawned = spawnGate(request, out, err);
  const exited = exitOf(spawned);
  const group = await startedPid(spawned, request.cwd);
  await admit(spawned, group, warden, exited);
  const ending = new GroupEnding(group);
  const settle = async (): Promise<ChildEnd> => {
    const end = await exited;
    await ending.leftovers();
    warden.remove(group);
    await Promise.race([flowed, pause(OUTPUT_GRACE_MS, undefined, { ref: false })]);
    for (const { readable } of [out, err]) readable.destroy();
    return end;
  };
  return { pid: group, ended: settle(), stopped: () => ending.asked, stop: (graceMs) => ending.stop(graceMs) };
}

/** Errors: `spawn_failed` for what Node refuses at once, such as more arguments than the system takes. */
function spawnGate({ command, cwd, environment, inputFile }: ChildRequest, out: Pipe, err: Pipe): ChildProcess {
  try {
    return spawn("/bin/sh", ["-c", GATE, "waybill", inputFile, ...command], {
      cwd,
      detached: true,
      env: environment,
      stdio: ["pipe", out.writer, err.writer],
    });
  } catch (cause) {
    throw notStarted(cwd, cause as Error);
  } finally {
    closeWriter(out);
    closeWriter(err);
  }
}

const notStarted = (cwd: string, cause: Error): WaybillError =>
  new WaybillError("spawn_failed", `No process could be started in ${cwd}: ${cause.message}.`, {
    hint: "Is the working directory there, and /bin/sh?",
    cause,
  });

/** Lets the program begin once the warden knows its group. */
async function admit({ stdin }: ChildProcess, group: number, warden: Warden, exited: Promise<unknown>): Promise<void> {
  stdin?.on("error", () => undefined); // It was killed before it could begin; its end says so.
  try {
    await warden.add(group);
  } catch (error) {
    stdin?.destroy();
    await exited;
    throw error;
  }
  stdin?.end("\n");
}

/** The end of a group: asked for, or that of its leader, which the others do not outlive by much. */
class GroupEnding {
  /** Whether it was asked for while the leader ran. */
  asked = false;
  readonly #group: number;
  #leaderEnded = false;
  #killAt = Number.POSITIVE_INFINITY;
  #kill: NodeJS.Timeout | null = null;

  constructor(group: number) {
    this.#group = group;
  }

  stop(graceMs: number): void {
    this.#killWithin(graceMs);
    if (this.asked || this.#leaderEnded) return;
    this.asked = true;
    askToEnd(this.#group);
  }

  #killWithin(ms: number): void {
    const killAt = performance.now() + ms;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    if (this.#kill !== null) clearTimeout(this.#kill);
    // From the end of the leader on, whoever looks after the others kills them.
    this.#kill = this.#leaderEnded
      ? null
      : setTimeout(() => signalGroup(this.#group, "SIGKILL"), Math.min(ms, LONGEST_TIMER_MS));
  }

  /** To be called when the leader has ended. Resolves when nothing is left; who was asked to end keeps the rest of its grace. */
  async leftovers(): Promise<void> {
    this.#leaderEnded = true;
    if (this.#kill !== null) clearTimeout(this.#kill);
    if (!groupLives(this.#group)) return;
    if (!this.asked) {
      askToEnd(this.#group);
      this.#killAt = performance.now() + LEFTOVER_GRACE_MS;
    }
    while (groupLives(this.#group)) {
      if (performance.now() >= this.#killAt) signalGroup(this.#group, "SIGKILL");
      await pause(LOOK_MS);
    }
  }
}

const exitOf = (spawned: ChildProcess): Promise<ChildEnd> =>
  new Promise((resolve) => {
    spawned.once("exit", (code, signal) => resolve({ code, signal }));
  });

/** Resolves when the stream is closed. */
async function passOn(stream: Readable, take: (bytes: Buffer) => void): Promise<void> {
  stream.on("data", take);
  // A pipe that breaks is a stream that ends.
  stream.on("error", () => undefined);
  await once(stream, "close").catch(() => undefined);
}

async function startedPid(spawned: ChildProcess, cwd: string): Promise<number> {
  await once(spawned, "spawn").catch((cause: Error) => {
    throw notStarted(cwd, cause);
  });
  return spawned.pid ?? 0;
}
