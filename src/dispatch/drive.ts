/** One drive of one run: what its steps share, and how they write. */
import { WaybillError } from "../domain/errors.js";
import type { AttemptKey } from "../domain/machine.js";
import type { Run } from "../domain/run.js";
import type { Machine, ProgramInput } from "../machines/machine-port.js";
import type { GuardedWrite, RunGuard } from "../store/run-store.js";
import type { Runtime } from "./runtime.js";

/** The process that was called with a command: its directory, environment and input are the program's. */
export interface Caller {
  readonly input: ProgramInput;
}

export interface Drive {
  readonly runtime: Runtime;
  readonly machine: Machine;
  readonly fence: number;
  readonly signal: AbortSignal;
  /** Null for whoever drives a command that another process was called with, and for a directory. */
  readonly caller: Caller | null;
}

export const keyOf = (run: Run): AttemptKey => ({ runId: run.id, attempt: run.attempt });
export const guardOf = (drive: Drive, run: Run): RunGuard => ({ ...keyOf(run), leaseFence: drive.fence });

/** The machine has said that this attempt started, and the store knows it. */
export const hasStarted = (run: Run): boolean => run.status === "running" && run.pid !== null;

/** The run as written; throws `lease_lost` when somebody else has taken over meanwhile. */
export function accepted(write: GuardedWrite): Run {
  if (write.written) return write.run;
  throw new WaybillError("lease_lost", `This process no longer drives the run (${write.refusal}).`, {
    details: { run_id: write.run?.id ?? null, refusal: write.refusal },
  });
}

/** Errors: `run_not_found`. */
export async function mustGetRun({ store }: Pick<Runtime, "store">, runId: string): Promise<Run> {
  const run = await store.runs.getRun(runId);
  if (run === null) throw new WaybillError("run_not_found", `There is no run ${runId}.`);
  return run;
}
