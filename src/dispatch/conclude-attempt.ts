/** The second half of an attempt: what the machine recorded becomes the outcome, its log and artifacts are brought here. */
import { stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { WaybillError } from "../domain/errors.js";
import type { MachineAnswer, StartRecord } from "../domain/machine.js";
import { outcomeOf } from "../domain/outcome.js";
import { type Run, retriesAfter } from "../domain/run.js";
import type { Collected } from "../machines/machine-port.js";
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
  const { left, ...artifacts } = await collectAttempt(drive, run, PATIENCE);
  runtime.onStep("run.collected", run.id);
  const guard = guardOf(drive, current);
  const retried = retriesAfter(current, outcome);
  const ended = retried
    ? accepted(await runtime.store.runs.nextAttempt(guard, outcome))
    : accepted(await runtime.store.runs.finishRun(guard, outcome, artifacts));
  if (!retried) runtime.onStep("run.finished", run.id);
  // What was not fetched, or not asked for, can still be asked for.
  if (artifacts.state !== "failed" && left === 0) {
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

/** How long a machine that went away while it was asked for artifacts is asked again; milliseconds. */
export interface Patience {
  /** From the first answer that did not come; what came before counts. */
  readonly forMs: number;
  readonly pauseMs: number;
}

/** The outcome is known already and should not wait for long; what stays there can be fetched whenever the machine is back. */
const PATIENCE: Patience = { forMs: 30_000, pauseMs: 1_000 };
const NO_PATIENCE: Patience = { forMs: 0, pauseMs: 0 };

/** What came of bringing an attempt's files; `left` counts those that the machine has and that were not asked for. */
export type CollectReport = ArtifactReport & { readonly left: number };

/**
 * Brings log and artifacts of an attempt to this computer. Used again by a later fetch.
 *
 * A connection that is cut says nothing about the artifacts: it is asked again, and goes on where it stopped. Only a machine
 * that stays away for longer than `patience` is reported as failed, and keeps the files.
 *
 * @param globs which artifacts; default: those that the run's request names.
 */
export async function collectAttempt(
  drive: Pick<Drive, "runtime" | "machine" | "signal">,
  run: Run,
  patience: Patience = NO_PATIENCE,
  globs: readonly string[] | null = run.request.artifacts ?? null,
): Promise<CollectReport> {
  const destination = drive.runtime.attemptDir(run.id, run.attempt);
  try {
    const got = await collectPatiently(drive, patience, () =>
      drive.machine.collect(keyOf(run), destination, { signal: drive.signal, globs }),
    );
    return {
      state: got.artifactsPath === null ? "none" : "collected",
      error: null,
      artifactsPath: got.artifactsPath,
      logsPath: got.logPath,
      logBytes: got.logPath === null ? null : (await stat(got.logPath)).size,
      left: got.left,
    };
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return {
      state: "failed",
      error: error.message,
      artifactsPath: null,
      logsPath: drive.machine.logPath(keyOf(run)),
      logBytes: null,
      left: 0,
    };
  }
}

async function collectPatiently(
  { signal }: Pick<Drive, "signal">,
  { forMs, pauseMs }: Patience,
  collect: () => Promise<Collected>,
): Promise<Collected> {
  let awaySince = Number.POSITIVE_INFINITY;
  for (;;) {
    const begun = performance.now();
    try {
      return await collect();
    } catch (error) {
      if (!(error instanceof WaybillError) || error.code !== "machine_unreachable") throw error;
      const now = performance.now();
      // A connection that held for so long was one: the machine went away only now.
      awaySince = now - begun > forMs ? now : Math.min(awaySince, now);
      if (now - awaySince >= forMs) throw error;
      await setTimeout(pauseMs, undefined, { signal });
    }
  }
}
