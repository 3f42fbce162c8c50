/**
 * The first half of an attempt: bring the tree to the machine, start, and take what cannot start to its end.
 *
 * A directory is started by whoever comes; a command by the process that was called with it alone, since nobody else has
 * its environment and its input.
 */
import { join } from "node:path";
import { type ErrorCode, WaybillError } from "../domain/errors.js";
import type { MachineAnswer } from "../domain/machine.js";
import type { Run, RunOutcome } from "../domain/run.js";
import { accepted, type Drive, guardOf, keyOf } from "./drive.js";
import { programEnvironment } from "./program-environment.js";

/** Failures that no further try mends: the run ends `failed` with their code. Anything else is the caller's to retry. */
const FINAL: readonly ErrorCode[] = ["upload_failed", "disk_full", "spawn_failed", "transport_unavailable"];

export interface Begun {
  readonly run: Run;
  /** What the machine said of the start; null when none was asked for, or its answer led to the run's end. */
  readonly answer: MachineAnswer | null;
}

/** @returns the run as it stands then; `full` when others hold all slots of the machine and the run waits for one. */
export async function beginAttempt(drive: Drive, run: Run, found: MachineAnswer): Promise<Begun | "full"> {
  if (run.cancelRequestedAt !== null && found.state !== "starting") {
    return ended(await endCancelled(drive, run));
  }
  if (run.kind === "command" && drive.caller === null && found.state !== "starting")
    return ended(await forsake(drive, run));
  try {
    if (found.state !== "starting" && run.kind === "directory") await prepare(drive, run);
    const answer = await start(drive, run);
    if (answer.state === "busy") {
      if (run.request.queue) return "full";
      const message = `All slots of ${run.machine} are taken by others; run ${answer.holder} holds one.`;
      return ended(await endUnstarted(drive, run, "failed", "machine_busy", message));
    }
    return { run, answer };
  } catch (error) {
    if (!(error instanceof WaybillError) || !FINAL.includes(error.code)) throw error;
    return ended(await endRefused(drive, run, error));
  }
}

const ended = (run: Run): Begun => ({ run, answer: null });

/**
 * The caller of a command is gone. What it may still have under way is stopped first, and then it is looked once more: a
 * supervisor that claims the attempt from now on finds the cancel, and one that did before has a story of its own.
 */
async function forsake(drive: Drive, run: Run): Promise<Run> {
  await closeAttempt(drive, run);
  const { state } = await drive.machine.status(keyOf(run));
  if (state !== "absent" && state !== "prepared") return run;
  const message = "The command was never started: the process that was called with it is gone.";
  return await endUnstarted(drive, run, "interrupted", "lost", message);
}

async function prepare(drive: Drive, run: Run): Promise<void> {
  const { runtime, machine, signal } = drive;
  const tree = { hash: run.testDirHash, path: join(runtime.treesDir, run.testDirHash), files: 0, bytes: 0 };
  await machine.prepare(tree, signal);
  runtime.onStep("run.prepared", run.id);
}

async function start(drive: Drive, run: Run): Promise<MachineAnswer> {
  const { request } = run;
  // From here on it may run there, whatever becomes of this connection or of this process.
  if (request.target.transport !== "local" && run.startAskedAt === null) {
    accepted(await drive.runtime.store.relocation.noteStartAsked(guardOf(drive, run)));
    drive.runtime.onStep("run.start_asked", run.id);
  }
  const answer = await drive.machine.start(
    {
      ...keyOf(run),
      fence: run.fence,
      treeHash: run.testDirHash,
      command: run.kind === "command" ? { directory: run.testDir, input: drive.caller?.input ?? null } : null,
      entrypoint: request.entrypoint,
      args: request.args,
      timeoutMs: request.timeoutMs,
      silenceMs: request.silenceMs,
      graceMs: request.graceMs,
      logLimitBytes: request.logLimitBytes,
      contactMs: run.request.target.transport === "local" ? null : request.onUnreachable.afterMs,
      env: programEnvironment(run, drive.runtime.environment),
    },
    drive.signal,
  );
  drive.runtime.onStep("run.started", run.id);
  return answer;
}

export const endCancelled = (drive: Drive, run: Run): Promise<Run> =>
  endUnstarted(drive, run, "interrupted", "cancelled", "The run was cancelled before it started.");

/** Ends a run whose start failed in a way that another try would not change, with what can be done about it. */
export function endRefused(drive: Drive, run: Run, { code, message, hint }: WaybillError): Promise<Run> {
  return endUnstarted(drive, run, "failed", code, hint === undefined ? message : `${message} ${hint}`);
}

/** Ends a run that never was on a machine. */
async function endUnstarted(
  drive: Drive,
  run: Run,
  status: "failed" | "interrupted",
  errorCode: ErrorCode,
  errorMsg: string,
): Promise<Run> {
  await closeAttempt(drive, run);
  const outcome: RunOutcome = {
    status,
    exitCode: null,
    signal: null,
    errorCode,
    errorMsg,
    startedAt: null,
    endedAt: drive.runtime.clock(),
    evidence: { not_started: errorMsg },
  };
  const nothing = { state: "none", error: null, artifactsPath: null, logsPath: null, logBytes: null } as const;
  return accepted(await drive.runtime.store.runs.finishRun(guardOf(drive, run), outcome, nothing));
}

/**
 * Leaves a cancel on the machine, so that a start which a dead or sleeping driver still had under way does not run a
 * program for a run that has ended.
 */
async function closeAttempt(drive: Drive, run: Run): Promise<void> {
  try {
    await drive.machine.cancel(keyOf(run));
  } catch (error) {
    // The machine that could not start the run (no space, no such directory) may not be able to take this note either.
    drive.runtime.log("run.close_failed", { run: run.id, error: (error as Error).message });
  }
}
