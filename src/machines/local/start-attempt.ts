/** Starts the supervisor of an attempt and waits until the machine has recorded what came of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { isDiskFull } from "../../domain/disk-full.js";
import { WaybillError } from "../../domain/errors.js";
import type { MachineAnswer } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import type { ProgramInput, StartRequest } from "../machine-port.js";
import { describeRequest, supervisorArguments, withoutOwnNames } from "../supervisor/start-arguments.js";
import { watchDirectory } from "./directory-watch.js";
import { observeAttempt } from "./observe-attempt.js";
import type { RunDirectory } from "./run-directory.js";

export interface SupervisorCommand {
  /** The shell and its arguments before the script. */
  readonly shell: readonly string[];
  readonly script: string;
  readonly workDir: string;
  readonly slots: number;
  /** What the supervisor and the program inherit. */
  readonly environment: Environment;
}

/** How the supervisor leaves when it found no slot (supervisor/sh). */
const LEFT_BUSY = 3;

/**
 * Answers with `running`, `exit` or `lost` once recorded, or `busy` when this very start found no slot. Asking again for
 * an attempt that was started answers from its records.
 *
 * @throws `spawn_failed` with what the supervisor said, when it ended and recorded nothing.
 */
export async function startAttempt(
  command: SupervisorCommand,
  run: RunDirectory,
  request: StartRequest,
  signal?: AbortSignal,
): Promise<MachineAnswer> {
  const before = await observeAttempt(run, request);
  if (isRecorded(before)) return before;
  await mkdir(run.path, { recursive: true, mode: 0o700 });
  await writeRequest(run, request);
  const child = await spawnSupervisor(command, run, request);
  const watcher = watchDirectory(run.path, signal);
  try {
    while (true) {
      // Taken before the look: whatever the supervisor recorded before it left is seen.
      const left = child.left();
      const answer = await observeAttempt(run, request);
      if (isRecorded(answer)) return answer;
      if (left === LEFT_BUSY && answer.state === "busy") return answer;
      if (left !== null && answer.state !== "starting") {
        // Somebody else claimed the attempt, found no slot and gave it back: that is this start's answer, too.
        if (answer.state === "busy") return answer;
        throw await nothingRecorded(run, left);
      }
      await Promise.race([watcher.changed(), ...(left === null ? [child.end] : [])]);
    }
  } finally {
    watcher.close();
  }
}

const isRecorded = (answer: MachineAnswer): boolean =>
  answer.state === "running" || answer.state === "exit" || answer.state === "lost";

interface Child {
  readonly end: Promise<unknown>;
  /** The supervisor's exit code, -1 when it was killed, null while it lives. */
  left(): number | null;
}

async function spawnSupervisor(command: SupervisorCommand, run: RunDirectory, request: StartRequest): Promise<Child> {
  const [shell = "/bin/sh", ...before] = command.shell;
  const argv = [...before, command.script, ...argumentsOf(command, request)];
  const log = await open(run.supervisorLog, "a", 0o600).catch(() => null); // On a full disk the supervisor still runs.
  const output = log === null ? "ignore" : log.fd;
  const env = withoutOwnNames({ ...command.environment, ...request.env });
  let left: number | null = null;
  try {
    const input = request.command?.input ?? null;
    const stdin = input === null ? "ignore" : typeof input === "number" ? input : "pipe";
    const child = spawn(shell, argv, { cwd: "/", detached: true, env, stdio: [stdin, output, output] });
    const end = new Promise<void>((resolve) => {
      child.once("exit", (code) => {
        left = code ?? -1;
        resolve();
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    feed(child, input);
    child.unref();
    return { end, left: () => left };
  } catch (cause) {
    throw new WaybillError("spawn_failed", `Cannot start ${shell}: ${String(cause)}`, {
      hint: "A machine needs a POSIX shell.",
      cause,
    });
  } finally {
    await log?.close();
  }
}

/** Passes a stream on to the program until either has ended. */
function feed(child: ChildProcess, input: ProgramInput): void {
  if (input === null || typeof input === "number" || child.stdin === null) return;
  // The program need not read: it has closed the pipe, and what is left is nobody's.
  child.stdin.on("error", () => input.unpipe());
  input.pipe(child.stdin);
}

function argumentsOf({ workDir, slots }: SupervisorCommand, request: StartRequest): readonly string[] {
  const { verb, args } = supervisorArguments(slots, request);
  return [verb, workDir, request.runId, String(request.attempt), String(request.fence), ...args];
}

async function writeRequest(run: RunDirectory, request: StartRequest): Promise<void> {
  const text = `${describeRequest(request)}\n`;
  await writeFile(run.request, text, { mode: 0o600, flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    // Written by an earlier start; or no space, which the supervisor puts on record itself.
    if (error.code !== "EEXIST" && !isDiskFull(error.code)) throw error;
  });
}

async function nothingRecorded(run: RunDirectory, left: number): Promise<WaybillError> {
  const said = await readFile(run.supervisorLog, "utf8").catch(() => ""); // Only to explain; the failure is reported anyhow.
  const tail = said.trim().split("\n").slice(-5).join("\n");
  return new WaybillError(
    "spawn_failed",
    `The supervisor left with code ${left} and recorded nothing${tail === "" ? "." : `: ${tail}`}`,
    { hint: "Run `waybill machines check` for this machine.", details: { code: left } },
  );
}
