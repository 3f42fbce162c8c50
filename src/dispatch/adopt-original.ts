/** Takes the end that an original brought back for the run's end, and stops the replacement first. */
import type { StartRecord } from "../domain/machine.js";
import type { Run } from "../domain/run.js";
import type { StrayAttempt } from "../domain/stray-attempt.js";
import { collectAttempt } from "./conclude-attempt.js";
import { accepted, type Drive, guardOf, hasStarted, keyOf } from "./drive.js";

/** @returns the run, ended as the original did. Errors: those of the machines, while either cannot be reached. */
export async function adoptOriginal(drive: Drive, run: Run, stray: StrayAttempt): Promise<Run> {
  const { runtime } = drive;
  const { outcome } = stray;
  if (outcome === null) throw new Error("Nothing is known yet of how the original ended.");
  await stopReplacement(drive, run);
  const machine = runtime.machine(stray.target);
  const original = { ...run, attempt: stray.attempt };
  const artifacts = await collectAttempt({ runtime, machine, signal: drive.signal }, original);
  const started = await recordStart(drive, run, outcome.evidence.start as StartRecord | undefined);
  const ended = accepted(await runtime.store.runs.finishRun(guardOf(drive, started), outcome, artifacts));
  runtime.onStep("run.finished", run.id);
  if (artifacts.state !== "failed") await machine.forget(stray);
  await runtime.store.relocation.settleStray(run.id, stray.attempt);
  return ended;
}

/** What has not started never will; what runs is waited for; what a dead supervisor left is ended. */
async function stopReplacement({ machine, signal }: Drive, run: Run): Promise<void> {
  await machine.cancel(keyOf(run));
  const last = await machine.settled(keyOf(run), signal, "driver");
  if (last.state === "lost") await machine.reap(keyOf(run));
  await machine.forget(keyOf(run));
}

/** A run passes through `running` on its way to an end, also when nobody saw it there. */
async function recordStart(drive: Drive, run: Run, start: StartRecord | undefined): Promise<Run> {
  if (hasStarted(run) || run.status === "running" || start === undefined) return run;
  return accepted(await drive.runtime.store.runs.startRun(guardOf(drive, run), start, null));
}
