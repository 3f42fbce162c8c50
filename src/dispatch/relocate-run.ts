/**
 * Gives a run whose machine gives no answer to another machine, where that is safe: when the first was never asked to
 * start it, or must have stopped it by itself (`domain/contact-policy.ts`).
 */
import { replaceableFrom } from "../domain/contact-policy.js";
import type { MachineSpec } from "../domain/machine.js";
import { matches } from "../domain/placement.js";
import type { Run } from "../domain/run.js";
import { machineLoads } from "./back-fill.js";
import { accepted, type Drive, guardOf } from "./drive.js";
import { hashWork, targetOf } from "./item-run.js";

/**
 * A machine that gave no answer is no better place than the present one for this long; milliseconds. Without that, runs whose
 * machines are all silent would be moved to and fro without end. Silence that goes on is noted once a minute.
 */
const SILENT_MS = 90_000;

/** @returns the run on its new machine; null when it stays where it is. */
export async function relocateRun(drive: Drive, run: Run, machines: readonly MachineSpec[]): Promise<Run | null> {
  const reason = reasonToMove(run, drive.runtime.clock());
  if (reason === null) return null;
  for (const spec of await alternatives(drive, run, machines)) {
    const target = targetOf(drive.runtime, spec);
    const workHash = hashWork(run.testDirHash, { ...run.request, target }, entryOf(run));
    const answer = await drive.runtime.store.relocation.moveRun(guardOf(drive, run), { target, workHash, reason });
    if (!answer.written && answer.refusal === "no_slot") continue;
    const moved = accepted(answer);
    drive.runtime.log("run.moved", { run: run.id, from: run.machine, to: spec.name, reason });
    drive.runtime.onStep("run.moved", run.id);
    return moved;
  }
  return null;
}

function reasonToMove(run: Run, now: number): string | null {
  const { selector, onUnreachable, graceMs } = run.request;
  if ("machine" in selector || run.kind !== "directory" || run.cancelRequestedAt !== null) return null;
  if (run.startAskedAt === null && run.pid === null) return "its machine was never asked to start it";
  if (run.unreachableSince === null) return null;
  const from = replaceableFrom(onUnreachable, graceMs, run.unreachableSince);
  return from !== null && now >= from ? "its machine has stopped it for want of contact" : null;
}

/**
 * Machines that fit and have not just been silent, best first: those that answered last time they were asked, then by free
 * slots and name.
 */
async function alternatives(drive: Drive, run: Run, machines: readonly MachineSpec[]): Promise<MachineSpec[]> {
  const { runtime } = drive;
  const now = await runtime.store.now();
  const failures = (await runtime.store.machines.listMachineNotes()).filter((note) => note.lastErrorCode !== null);
  const silent = new Map(failures.map(({ name, lastFailureAt }) => [name, now - (lastFailureAt ?? now)]));
  const fitting = machines.filter(
    (spec) =>
      spec.name !== run.machine &&
      matches(spec, run.request.selector) &&
      (silent.get(spec.name) ?? SILENT_MS) >= SILENT_MS,
  );
  const loads = await machineLoads(runtime, fitting);
  return loads
    .filter(({ spec, active }) => spec.slots > active)
    .sort(
      (a, b) =>
        Number(silent.has(a.spec.name)) - Number(silent.has(b.spec.name)) ||
        b.spec.slots - b.active - (a.spec.slots - a.active),
    )
    .map(({ spec }) => spec);
}

/** What keeps the run's work apart from that of other runs, as when it was created. */
const entryOf = (run: Run): Parameters<typeof hashWork>[2] =>
  run.batchId === null || run.planEntry === null ? null : { batchId: run.batchId, name: run.planEntry };
