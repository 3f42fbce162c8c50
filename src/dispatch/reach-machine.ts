/** Asks the machine where a run stands, and decides what follows when it gives no answer. */
import { isOutOfReach } from "../domain/contact-policy.js";
import type { WaybillError } from "../domain/errors.js";
import type { MachineAnswer, MachineSpec } from "../domain/machine.js";
import type { Run } from "../domain/run.js";
import { endCancelled, endRefused } from "./begin-attempt.js";
import { accepted, type Drive, guardOf, hasStarted, keyOf, mustGetRun } from "./drive.js";
import { withContactNoted } from "./machine-contact.js";
import { relocateRun } from "./relocate-run.js";

/** What became of asking: an answer, or the run somewhere else (or ended), and nothing to act on yet. */
export interface Reached {
  readonly run: Run;
  readonly answer: MachineAnswer | null;
}

/** Asks the machine; where it gives no answer the run may go to another one, or end when that is certain to be right. */
export async function reachMachine(
  drive: Drive,
  run: Run,
  machines: () => Promise<readonly MachineSpec[]>,
): Promise<Reached> {
  try {
    return await ask(drive, run);
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
    const silent = await mustGetRun(drive.runtime, run.id);
    const moved = await relocateRun(drive, silent, await machines());
    if (moved !== null) return { run: moved, answer: null };
    const ended = await endUnreached(drive, silent, error);
    if (ended !== null) return { run: ended, answer: null };
    // Silence is noted on the run, never taken for an outcome.
    if (silent.unreachableSince === null) {
      await drive.runtime.store.runs.noteContact(guardOf(drive, silent), drive.runtime.clock());
    }
    throw error;
  }
}

async function ask(drive: Drive, run: Run): Promise<Reached> {
  const { store, clock } = drive.runtime;
  const answer = await withContactNoted(store, run.request.target, () => drive.machine.status(keyOf(run), "driver"));
  const met = run.unreachableSince === null ? run : accepted(await store.runs.noteContact(guardOf(drive, run), null));
  if (answer.state !== "absent" || !hasStarted(met)) return { run: met, answer };
  return { run: met, answer: { state: "lost", proof: "records_gone", start: null, at: clock() } };
}

/**
 * Ends a run that its machine was certainly never asked to start, when somebody wants it cancelled, or when trying again
 * would change nothing until a person has done something. Null: it waits for its machine.
 */
async function endUnreached(drive: Drive, run: Run, error: WaybillError): Promise<Run | null> {
  if (run.startAskedAt !== null || run.pid !== null || run.request.target.transport === "local") return null;
  if (run.cancelRequestedAt !== null) return await endCancelled(drive, run);
  return error.code === "machine_unreachable" ? null : await endRefused(drive, run, error);
}
