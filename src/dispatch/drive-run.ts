/**
 * Drives one run from wherever it stands to its end, under the run's lease.
 *
 * It asks the machine first and acts on the answer, so a new driver continues exactly where a dead one stopped: `absent`
 * is started, `running` is waited for, `exit` is collected. It never guesses, and every write presents the lease's fence.
 */
import { setTimeout } from "node:timers/promises";
import { WaybillError } from "../domain/errors.js";
import { type Lease, runLeaseName } from "../domain/lease.js";
import type { MachineAnswer } from "../domain/machine.js";
import { isTerminal, type Run, waitsForSlot } from "../domain/run.js";
import { beginAttempt } from "./begin-attempt.js";
import { concludeAttempt } from "./conclude-attempt.js";
import { accepted, type Caller, type Drive, guardOf, hasStarted, keyOf } from "./drive.js";
import type { HeldLease, LeaseKeeper, Taken } from "./lease-keeper.js";
import { withContactNoted } from "./machine-contact.js";
import { canStart } from "./program-environment.js";
import type { Runtime } from "./runtime.js";

export type DriveResult =
  | { readonly kind: "ended"; readonly run: Run }
  /** Asked to go no further than the start; the lease is given back. */
  | { readonly kind: "started"; readonly run: Run }
  | { readonly kind: "driven_elsewhere"; readonly run: Run; readonly lease: Lease }
  | { readonly kind: "blocked"; readonly run: Run; readonly on: "slot" | "missing_env" | "machine_full" };

/** How long until a machine whose slots are all held by others is asked for one again; milliseconds. */
const FULL_MS = 1_000;

export interface DriveOptions {
  readonly until: "started" | "ended";
  /** Shown to people who ask who drives the run. */
  readonly purpose: string;
  /** Given by the process that was called with a command, which may start it. */
  readonly caller?: Caller | undefined;
  /** Stops driving, not the run. */
  readonly signal?: AbortSignal | undefined;
}

/** Errors: `run_not_found`, `machine_unreachable`, `lease_lost`, and those of the store. */
export async function driveRun(
  runtime: Runtime,
  keeper: LeaseKeeper,
  runId: string,
  options: DriveOptions,
): Promise<DriveResult> {
  const run = await mustGet(runtime, runId);
  const settled = settledWithoutDriving(runtime, run);
  if (settled !== null) return settled;
  const name = runLeaseName(runId);
  const own = options.caller === undefined ? null : keeper.held(name);
  const taken: Taken = own === null ? await keeper.take(name, options.purpose) : { won: true, held: own };
  if (!taken.won) return { kind: "driven_elsewhere", run, lease: taken.lease };
  runtime.onStep("run.leased", runId);
  try {
    return await driveHeld(runtime, taken.held, runId, options);
  } finally {
    await taken.held.release();
  }
}

async function mustGet(runtime: Runtime, runId: string): Promise<Run> {
  const run = await runtime.store.runs.getRun(runId);
  if (run === null) throw new WaybillError("run_not_found", `There is no run ${runId}.`);
  return run;
}

function settledWithoutDriving(runtime: Runtime, run: Run): DriveResult | null {
  if (isTerminal(run.status)) return { kind: "ended", run };
  if (waitsForSlot(run)) return { kind: "blocked", run, on: "slot" };
  return !canStart(run, runtime.environment) ? { kind: "blocked", run, on: "missing_env" } : null;
}

async function driveHeld(
  runtime: Runtime,
  held: HeldLease,
  runId: string,
  options: DriveOptions,
): Promise<DriveResult> {
  const signal = options.signal === undefined ? held.lost : AbortSignal.any([held.lost, options.signal]);
  let run = await mustGet(runtime, runId);
  const machine = runtime.machine(run.request.target);
  const drive: Drive = { runtime, machine, fence: held.lease.fence, signal, caller: options.caller ?? null };
  for (;;) {
    if (isTerminal(run.status)) return { kind: "ended", run };
    signal.throwIfAborted();
    const answer = await ask(drive, run);
    switch (answer.state) {
      case "absent":
      case "prepared":
      case "starting":
      // The answer of an earlier start: whether there is room now, only another start can tell.
      case "busy": {
        const begun = await beginAttempt(drive, run, answer);
        if (begun === "full" && options.until === "started") return { kind: "blocked", run, on: "machine_full" };
        if (begun === "full") await setTimeout(FULL_MS, undefined, { signal });
        run = begun === "full" ? await mustGet(runtime, runId) : begun;
        break;
      }
      case "running":
        run = await recordStart(drive, run, answer);
        if (options.until === "started") return { kind: "started", run };
        run = await waitForEnd(drive, run);
        break;
      case "exit":
      case "lost":
        run = await concludeAttempt(drive, run, answer);
        break;
      default:
        answer satisfies never;
    }
  }
}

/** Asks the machine; silence is noted on the run, never taken for an outcome. */
async function ask(drive: Drive, run: Run): Promise<MachineAnswer> {
  try {
    const { store } = drive.runtime;
    const answer = await withContactNoted(store, run.request.target, () => drive.machine.status(keyOf(run)));
    if (run.unreachableSince !== null) await drive.runtime.store.runs.noteContact(guardOf(drive, run), null);
    if (answer.state === "absent" && hasStarted(run)) {
      return { state: "lost", proof: "records_gone", start: null, at: drive.runtime.clock() };
    }
    return answer;
  } catch (error) {
    if (error instanceof WaybillError && error.code === "machine_unreachable" && run.unreachableSince === null) {
      await drive.runtime.store.runs.noteContact(guardOf(drive, run), drive.runtime.clock());
    }
    throw error;
  }
}

async function recordStart(drive: Drive, run: Run, answer: Extract<MachineAnswer, { state: "running" }>): Promise<Run> {
  if (hasStarted(run)) return run;
  const logPath = drive.machine.logPath(keyOf(run));
  const write = await drive.runtime.store.runs.startRun(guardOf(drive, run), answer.start, logPath);
  const started = accepted(write);
  drive.runtime.onStep("run.start_recorded", run.id);
  return started;
}

/** Waits for the machine's last word, and passes on a wish to cancel that anybody states meanwhile. */
async function waitForEnd(drive: Drive, run: Run): Promise<Run> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, drive.signal]);
  const settled = drive.machine.settled(keyOf(run), signal);
  try {
    await Promise.race([settled, passOnCancel(drive, run, signal)]);
    await settled;
    drive.runtime.onStep("run.settled", run.id);
  } finally {
    over.abort();
  }
  return await mustGet(drive.runtime, run.id);
}

async function passOnCancel(drive: Drive, run: Run, signal: AbortSignal): Promise<void> {
  const { store } = drive.runtime;
  while (!signal.aborted) {
    const current = await store.runs.getRun(run.id);
    if (current === null || current.cancelRequestedAt !== null) break;
    await store.events.waitForChange(5_000, signal);
  }
  if (!signal.aborted) await drive.machine.cancel(keyOf(run));
}
