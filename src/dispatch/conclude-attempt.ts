/** The second half of an attempt: what the machine recorded becomes the outcome, its log and artifacts are brought here. */
import { stat } from "node:fs/promises";
import { WaybillError } from "../domain/errors.js";
import type { MachineAnswer, StartRecord } from "../domain/machine.js";
import { outcomeOf } from "../domain/outcome.js";
import { type Run, retriesAfter } from "../domain/run.js";
import type { ArtifactReport } from "../store/run-store.js";
import { accepted, type Drive, guardOf, hasStarted, keyOf } from "./drive.js";

type Ended = Extract<MachineAnswer, { state: "exit" | "lost" }>;

/**
 * Records the end of an attempt. What could not be fetched is reported beside the outcome and never changes it.
 *
 * @returns the run, terminal, or active again when another attempt follows.
 */
export async function concludeAttempt(drive: Drive, run: Run, answer: Ended): Promise<Run> {
  const { runtime, machine } = drive;
  if (answer.state === "lost") await machine.reap(keyOf(run));
  const current = await recordPassedStart(drive, run, answer);
  const outcome = outcomeOf(answer, run.request);
  const artifacts = await collectAttempt(drive, run);
  runtime.onStep("run.collected", run.id);
  const guard = guardOf(drive, current);
  const retried = retriesAfter(current, outcome);
  const ended = retried
    ? accepted(await runtime.store.runs.nextAttempt(guard, outcome))
    : accepted(await runtime.store.runs.finishRun(guard, outcome, artifacts));
  if (!retried) runtime.onStep("run.finished", run.id);
  if (artifacts.state !== "failed") {
    await machine.forget(keyOf(run));
    runtime.onStep("run.forgotten", run.id);
  }
  return ended;
}

/** A program may have started and ended while nobody watched; the run still passes through `running`. */
async function recordPassedStart(drive: Drive, run: Run, answer: Ended): Promise<Run> {
  const start = answer.start ?? (answer.state === "exit" ? startImpliedBy(answer) : null);
  if (hasStarted(run) || start === null) return run;
  return accepted(await drive.runtime.store.runs.startRun(guardOf(drive, run), start, null));
}

/** An exit code proves a start even if the start record was torn by a power cut; its pids are then unknown. */
function startImpliedBy(answer: Extract<Ended, { state: "exit" }>): StartRecord | null {
  const { exit } = answer;
  if (exit.code === null || exit.started === null) return null;
  const { v, run, attempt, fence, started } = exit;
  const unknown = { pid: 0, supervisor: 0, watchdog: 0, pid_start: "?", supervisor_start: "?", watchdog_start: "?" };
  return { v, run, attempt, fence, started, boot: "?", ...unknown };
}

/** Brings log and artifacts of an attempt to this computer. Used again by a later fetch. */
export async function collectAttempt(
  drive: Pick<Drive, "runtime" | "machine" | "signal">,
  run: Run,
): Promise<ArtifactReport> {
  const destination = drive.runtime.attemptDir(run.id, run.attempt);
  try {
    const got = await drive.machine.collect(keyOf(run), destination, drive.signal);
    return {
      state: got.artifactsPath === null ? "none" : "collected",
      error: null,
      artifactsPath: got.artifactsPath,
      logsPath: got.logPath,
      logBytes: got.logPath === null ? null : (await stat(got.logPath)).size,
    };
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return {
      state: "failed",
      error: error.message,
      artifactsPath: null,
      logsPath: drive.machine.logPath(keyOf(run)),
      logBytes: null,
    };
  }
}
