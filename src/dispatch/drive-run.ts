/**
 * Drives one run from wherever it stands to its end, under the run's lease.
 *
 * It asks the machine first and acts on the answer, so a new driver continues exactly where a dead one stopped: `absent`
 * is started, `running` is waited for, `exit` is collected. It never guesses, and every write presents the lease's fence.
 */
import { setTimeout } from "node:timers/promises";
import { type Lease, runLeaseName } from "../domain/lease.js";
import type { MachineAnswer, MachineSpec } from "../domain/machine.js";
import { isTerminal, type Run, waitsForSlot } from "../domain/run.js";
import { returnedOf, type StrayAttempt } from "../domain/stray-attempt.js";
import { adoptOriginal } from "./adopt-original.js";
import { beginAttempt } from "./begin-attempt.js";
import { concludeAttempt } from "./conclude-attempt.js";
import { accepted, type Caller, type Drive, guardOf, hasStarted, keyOf, mustGetRun } from "./drive.js";
import type { HeldLease, LeaseKeeper, Taken } from "./lease-keeper.js";
import { canStart } from "./program-environment.js";
import { type Reached, reachMachine } from "./reach-machine.js";
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
  /** Where else a run may go when its machine cannot be reached. Default: nowhere. */
  readonly machines?: (() => Promise<readonly MachineSpec[]>) | undefined;
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
  const run = await mustGetRun(runtime, runId);
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
  let run = await mustGetRun(runtime, runId);
  const driveOf = ({ request }: Run): Drive => ({
    runtime,
    machine: runtime.machine(request.target),
    fence: held.lease.fence,
    signal,
    caller: options.caller ?? null,
  });
  const machines = options.machines ?? (async () => []);
  let drive = driveOf(run);
  // The last answer of the machine that nobody has acted on; where there is none, it is asked.
  let said: MachineAnswer | null = null;
  for (;;) {
    if (isTerminal(run.status)) return { kind: "ended", run };
    signal.throwIfAborted();
    const original = await findReturned(runtime, run);
    if (original !== null) {
      run = await adoptOriginal(drive, run, original);
      continue;
    }
    const reached: Reached = said === null ? await reachMachine(drive, run, machines) : { run, answer: said };
    said = null;
    if (reached.answer === null) {
      run = reached.run;
      drive = driveOf(run);
      continue;
    }
    const { answer } = reached;
    run = reached.run;
    switch (answer.state) {
      case "absent":
      case "prepared":
      case "starting":
      // The answer of an earlier start: whether there is room now, only another start can tell.
      case "busy": {
        const begun = await beginAttempt(drive, run, answer);
        if (begun === "full" && options.until === "started") return { kind: "blocked", run, on: "machine_full" };
        if (begun === "full") await setTimeout(FULL_MS, undefined, { signal });
        run = begun === "full" ? await mustGetRun(runtime, runId) : begun.run;
        said = begun === "full" ? null : begun.answer;
        break;
      }
      case "running":
        run = await recordStart(drive, run, answer);
        if (options.until === "started") return { kind: "started", run };
        said = await waitForEnd(drive, run);
        run = await mustGetRun(runtime, runId);
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

async function findReturned(runtime: Runtime, run: Run): Promise<StrayAttempt | null> {
  return run.attempt === 1 ? null : returnedOf(await runtime.store.relocation.straysOf(run.id));
}

async function recordStart(drive: Drive, run: Run, answer: Extract<MachineAnswer, { state: "running" }>): Promise<Run> {
  if (hasStarted(run)) return run;
  const logPath = drive.machine.logPath(keyOf(run));
  const write = await drive.runtime.store.runs.startRun(guardOf(drive, run), answer.start, logPath);
  const started = accepted(write);
  drive.runtime.onStep("run.start_recorded", run.id);
  return started;
}

/** Waits for the machine's last word, and passes on a wish to cancel that anybody states meanwhile. Null: look again. */
async function waitForEnd(drive: Drive, run: Run): Promise<MachineAnswer | null> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, drive.signal]);
  const settled = drive.machine.settled(keyOf(run), signal, "driver");
  try {
    const first = await Promise.race([settled, watchWishes(drive, run, signal)]);
    if (first === "original_returned") return null;
    const answer = await settled;
    drive.runtime.onStep("run.settled", run.id);
    return answer;
  } finally {
    over.abort();
    // Told to stop, it rejects with just that.
    await settled.catch(() => undefined);
  }
}

/** Passes on a wish to cancel; tells when the run's original is back, whose end is to count. */
async function watchWishes(drive: Drive, run: Run, signal: AbortSignal): Promise<"cancelled" | "original_returned"> {
  const { store } = drive.runtime;
  while (!signal.aborted) {
    const current = await store.runs.getRun(run.id);
    if (current === null || current.cancelRequestedAt !== null) break;
    if ((await findReturned(drive.runtime, run)) !== null) return "original_returned";
    await store.events.waitForChange(5_000, signal);
  }
  if (!signal.aborted) await drive.machine.cancel(keyOf(run));
  return "cancelled";
}
