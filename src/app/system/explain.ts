/** `waybill why`: what an item waits on and who holds it. Every state has an answer. */
import { machineLoads } from "../../dispatch/back-fill.js";
import { isReachable } from "../../dispatch/dispatch-scope.js";
import { keyOf } from "../../dispatch/drive.js";
import { missingVariables } from "../../dispatch/program-environment.js";
import { isHeld, type Runtime } from "../../dispatch/runtime.js";
import type { Batch, Item } from "../../domain/batch.js";
import { isOutOfReach } from "../../domain/contact-policy.js";
import { describeDuration } from "../../domain/duration.js";
import { type ErrorCode, WaybillError } from "../../domain/errors.js";
import { type Lease, runLeaseName } from "../../domain/lease.js";
import { type Drain, describeDrain } from "../../domain/machine-note.js";
import { nearest } from "../../domain/nearest.js";
import { matches, place } from "../../domain/placement.js";
import { isTerminal, type Run, waitsForSlot } from "../../domain/run.js";
import { findBatch } from "../batches/find-batch.js";
import type { AppContext, CallHandler } from "../context.js";
import { findRun } from "../runs/find-run.js";
import { findTask } from "../tasks/find-task.js";
import { explainTask } from "./explain-task.js";
import { type Reason, reason } from "./reason.js";

export const explain: CallHandler<"system.why"> = async (context, input) => {
  const slash = input.id.indexOf("/");
  if (slash > 0) return await explainEntry(context, input.id.slice(0, slash), input.id.slice(slash + 1));
  const store = await context.store();
  const run = await unless("run_not_found", findRun(store, input.id));
  if (run !== null) return { subject: `run ${run.id}`, reasons: await explainRun(await context.runtime(), run) };
  const batch = await unless("batch_not_found", findBatch(store, input.id));
  if (batch !== null) return { subject: `batch ${batch.id}`, reasons: await explainBatch(context, batch) };
  const task = await unless("task_not_found", findTask(store, input.id));
  if (task !== null) return { subject: `task ${task.id}`, reasons: await explainTask(context, task) };
  throw new WaybillError("subject_not_found", `There is no run, batch or task ${JSON.stringify(input.id)}.`, {
    hint: "`waybill runs list`, `batch list` and `tasks list` show the newest ones.",
    details: { id: input.id },
  });
};

/** Null instead of the error that says that there is none. */
async function unless<T>(notFound: ErrorCode, search: Promise<T>): Promise<T | null> {
  return await search.catch((error: unknown) => {
    if (error instanceof WaybillError && error.code === notFound) return null;
    throw error;
  });
}

export async function explainRun(runtime: Runtime, run: Run): Promise<Reason[]> {
  if (isTerminal(run.status)) return [reason("ended", `It has ended: ${run.status}. ${run.errorMsg ?? ""}`.trim())];
  if (waitsForSlot(run)) return await explainQueued(runtime, run);
  const lease = await runtime.store.leases.getLease(runLeaseName(run.id));
  const held = await isHeld(runtime, lease);
  const reasons = [
    ...(run.cancelRequestedAt === null ? [] : [reason("cancelling", "It has been asked to stop.", driverOf(lease))]),
    // Whoever asks a silent machine again rests between two tries, and holds nothing meanwhile.
    ...(run.unreachableSince !== null ? [explainSilence(run)] : held ? [] : [explainForsaken(runtime, run)]),
  ];
  const now = await runtime.store.now();
  if (run.status === "running") {
    const since = describeDuration(Math.max(0, now - (run.startedAt ?? now)));
    return [reason("running", `It has been running on ${run.machine} for ${since}.`, driverOf(lease)), ...reasons];
  }
  const occupant = await occupantOf(runtime, run);
  if (occupant !== null) {
    const message = `${run.machine} itself has no room: run ${occupant} of another store holds its slot there.`;
    return [reason("machine_full", message, [occupant]), ...reasons];
  }
  const where = run.slot === null ? "" : `holds slot ${run.slot} of ${run.machine} and `;
  const message = `It ${where}is being started.`;
  return reasons.length > 0 ? reasons : [reason("not_started_yet", message, driverOf(lease))];
}

const driverOf = (lease: Lease | null): string[] =>
  lease === null ? [] : [`${lease.purpose} (pid ${lease.holder.pid} on ${lease.holder.host})`];

function explainSilence(run: Run): Reason {
  const since = new Date(run.unreachableSince ?? 0).toISOString();
  const isAsked = run.startAskedAt !== null || run.pid !== null;
  const meanwhile = isAsked ? "what runs there goes on" : "nothing was started there, and the run waits for it";
  const message = `${run.machine} has not answered since ${since}; ${meanwhile}.`;
  const hint = `\`waybill machines check ${run.machine}\` tells why; \`waybill runs attach ${run.id}\` asks it again.`;
  return reason("unreachable", message, [run.machine], hint);
}

function explainForsaken(runtime: Runtime, run: Run): Reason {
  const missing = run.pid === null ? missingVariables(run.request.env, runtime.environment) : [];
  if (missing.length > 0) {
    const hint = `Set ${missing.join(", ")} and run \`waybill runs attach ${run.id}\`.`;
    return reason(
      "missing_env",
      `Whoever starts it must have ${missing.join(", ")} in the environment.`,
      missing,
      hint,
    );
  }
  const elsewhere = isReachable(run, runtime.holder) ? "" : ` It belongs to host ${run.request.target.host}.`;
  const hint = `\`waybill runs attach ${run.id}\` takes it over.`;
  return reason("driver_gone", `Nobody alive looks after it just now.${elsewhere}`, [], hint);
}

/** Who has the machine's own slot, when the machine said so; one that gives no answer has told nothing. */
async function occupantOf(runtime: Runtime, run: Run): Promise<string | null> {
  if (!isReachable(run, runtime.holder) || run.unreachableSince !== null) return null;
  try {
    const answer = await runtime.machine(run.request.target).status(keyOf(run));
    return answer.state === "busy" ? answer.holder : null;
  } catch (error) {
    if (isOutOfReach(error)) return null;
    throw error;
  }
}

function explainDrain(machine: string, drain: Drain): Reason {
  const hint = `\`waybill machines undrain ${machine}\` lets it work again.`;
  return reason("machine_drained", `${machine} takes no new work: it is ${describeDrain(drain)}.`, [], hint);
}

async function explainQueued(runtime: Runtime, run: Run): Promise<Reason[]> {
  const active = (await runtime.store.runs.activeRuns()).filter((other) => other.machine === run.machine);
  const holders = active.filter((other) => other.slot !== null).map((other) => other.id);
  const ahead = active.filter((other) => waitsForSlot(other) && other.id < run.id).map((other) => other.id);
  const { slots } = run.request.target;
  const full = holders.length >= slots;
  const [load] = await machineLoads(runtime, [run.request.target]);
  const drain = load?.drain ?? null;
  const taken = slots === 1 ? "The only slot" : `Each of the ${slots} slots`;
  return [
    ...(drain === null ? [] : [explainDrain(run.machine, drain)]),
    ...(full ? [reason("slots_taken", `${taken} of ${run.machine} is taken.`, holders)] : []),
    ...(ahead.length > 0 ? [reason("waits_in_line", `${ahead.length} came before it.`, ahead)] : []),
    ...(full || ahead.length > 0 || drain !== null ? [] : [explainForsaken(runtime, run)]),
  ];
}

async function explainBatch(context: AppContext, batch: Batch): Promise<Reason[]> {
  const runtime = await context.runtime();
  const runs = await runtime.store.runs.getRuns(batch.items.flatMap((item) => item.runId ?? []));
  const open = batch.items.filter((item) => {
    const run = item.runId === null ? undefined : runs.get(item.runId);
    return item.state === "queued" || (run !== undefined && !isTerminal(run.status));
  });
  if (open.length === 0) return [reason("all_decided", "Every entry is decided and every run has ended.")];
  const lease = await runtime.store.leases.getLease(`batch/${batch.id}`);
  const forsaken = (await isHeld(runtime, lease))
    ? []
    : [
        reason(
          "dispatcher_gone",
          "No dispatcher serves it just now.",
          [],
          `\`waybill batch watch ${batch.id}\` starts one.`,
        ),
      ];
  const parts = await Promise.all(open.map((item) => explainItem(context, runtime, item, runs)));
  return [...forsaken, ...parts.flat()];
}

async function explainEntry(context: AppContext, batchPrefix: string, name: string) {
  const batch = await findBatch(await context.store(), batchPrefix);
  const item = batch.items.find((i) => i.name === name);
  if (item === undefined) {
    const near = nearest(
      name,
      batch.items.map((i) => i.name),
    );
    throw new WaybillError("batch_not_found", `Batch ${batch.id} has no entry ${JSON.stringify(name)}.`, {
      hint: near === null ? "`waybill batch show` lists its entries." : `Did you mean "${near}"?`,
    });
  }
  const runtime = await context.runtime();
  const runs = await runtime.store.runs.getRuns(item.runId === null ? [] : [item.runId]);
  return { subject: `entry ${batch.id}/${name}`, reasons: await explainItem(context, runtime, item, runs) };
}

async function explainItem(
  context: AppContext,
  runtime: Runtime,
  item: Item,
  runs: ReadonlyMap<string, Run>,
): Promise<Reason[]> {
  const named = (r: Reason): Reason => ({ ...r, message: `${item.name}: ${r.message}` });
  if (item.state === "skipped") return [named(reason("skipped", item.errorMsg ?? `skipped (${item.errorCode}).`))];
  const run = item.runId === null ? undefined : runs.get(item.runId);
  if (item.state === "dispatched") {
    return run === undefined
      ? [named(reason("ended", "its run was removed."))]
      : (await explainRun(runtime, run)).map(named);
  }
  const missing = missingVariables(item.spec.env, runtime.environment);
  if (missing.length > 0)
    return [named(reason("missing_env", `needs ${missing.join(", ")} in the environment.`, missing))];
  const { machines } = await context.inventory();
  const loads = await machineLoads(runtime, machines);
  const [placement] = place([item], loads);
  if (placement?.decision === "skip") return [named(reason("no_matching_machine", placement.reason))];
  if (placement?.decision !== "wait")
    return [named(reason("dispatcher_gone", "a machine is free; a dispatcher will place it."))];
  const active = await runtime.store.runs.activeRuns();
  const fitting = loads.filter(({ spec }) => matches(spec, item.selector));
  const suitable = new Set(fitting.map(({ spec }) => spec.name));
  const holders = active.filter((r) => r.slot !== null && suitable.has(r.machine)).map((r) => r.id);
  const code = fitting.every(({ drain }) => drain !== null) ? "machine_drained" : "slots_taken";
  return [named(reason(code, `${placement.reason}.`, holders))];
}
