/** `waybill batch run`: record the batch once, decide the first wave here, leave the rest to a dispatcher, watch. */
import { resolve } from "node:path";
import type { PlacementReport } from "../../contracts/batch-views.js";
import { toPlacementView } from "../../contracts/batch-views.js";
import { backFill, machineLoads } from "../../dispatch/back-fill.js";
import { defaultEntrypoint } from "../../dispatch/item-run.js";
import { missingVariables } from "../../dispatch/program-environment.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { mustBeTheSameMachines } from "../../dispatch/same-machine.js";
import type { Batch, Item } from "../../domain/batch.js";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import { matches, place } from "../../domain/placement.js";
import type { Plan, PlanEntry } from "../../domain/plan.js";
import { freezeTree } from "../../machines/tree/freeze-tree.js";
import type { AppContext, CallHandler } from "../context.js";
import { mustHaveEntrypoint } from "../runs/submit-run.js";
import { BatchReporter } from "./batch-report.js";
import { type ReadPlan, readPlan } from "./read-plan.js";
import { watchUntilFinished } from "./watch-batch.js";

export const runBatch: CallHandler<"batches.run"> = async (context, input, options) => {
  const read = await readPlan(input.plan, context.settings.cwd);
  const { machines } = await context.inventory();
  const runtime = await context.runtime();
  const existing = await runtime.store.batches.findByPlanHashAndStaging(read.hash, input.staging);
  if (input.dry_run) return await dryRun(runtime, read, input.staging, existing, machines);
  const batch = existing ?? (await createBatch(context, runtime, read, input.staging, machines, options.signal));
  if (batch.items.some((item) => item.state === "queued")) {
    await mustBeTheSameMachines(runtime, machines);
    mustHaveVariables(runtime, read.plan, batch.items);
    await backFill(runtime, batch, machines);
  }
  const reporter = new BatchReporter(runtime.store);
  const report = async () => ({
    ...(await reporter.report((await runtime.store.batches.getBatch(batch.id)) ?? batch)),
    resumed: existing !== null,
  });
  const first = await report();
  if (first.progress.finished) return first;
  await context.ensureDispatcher({ kind: "batch", batchId: batch.id });
  if (input.detach) return first;
  for await (const seen of watchUntilFinished(context, batch.id, options.signal)) {
    await options.onProgress?.({ type: "report", report: seen });
  }
  return await report();
};

async function dryRun(
  runtime: Runtime,
  read: ReadPlan,
  staging: string,
  existing: Batch | null,
  machines: readonly MachineSpec[],
): Promise<PlacementReport> {
  if (existing === null) {
    read.mustFindDirectories();
    mustBeReachable(runtime, read.plan, machines);
  }
  const items = existing?.items ?? read.plan.entries.map((entry) => toItem(entry, read.dirOf(entry), ""));
  const placements = place(
    items.filter((item) => item.state === "queued"),
    await machineLoads(runtime, machines),
  );
  const open = new Map(placements.map((p) => [p.item.name, toPlacementView(p)]));
  return {
    kind: "placement",
    plan_hash: read.hash,
    staging,
    existing_batch_id: existing?.id ?? null,
    placements: items.map((item) => open.get(item.name) ?? decidedBefore(item)),
  };
}

function decidedBefore(item: Item): PlacementReport["placements"][number] {
  const reason = item.state === "skipped" ? (item.errorMsg ?? "skipped") : `dispatched as run ${item.runId}`;
  const wait = toPlacementView({ item, decision: "wait", reason, candidates: [] });
  return { ...wait, decision: "decided", machine: item.machine };
}

async function createBatch(
  context: AppContext,
  runtime: Runtime,
  read: ReadPlan,
  staging: string,
  machines: readonly MachineSpec[],
  signal: AbortSignal | undefined,
): Promise<Batch> {
  read.mustFindDirectories();
  mustBeReachable(runtime, read.plan, machines);
  mustHaveVariables(runtime, read.plan);
  const items = await freezeEntries(runtime, read, machines, signal);
  const { batch } = await runtime.store.batches.createBatch({
    id: runtime.newId(),
    planHash: read.hash,
    staging,
    createdBy: context.settings.user,
    source: `plan:${resolve(read.path)}`,
    items,
  });
  runtime.onStep("batch.created", batch.id);
  return batch;
}

/** Errors: `transport_unavailable` when an entry could go to a machine that there is no way to reach in this release. */
function mustBeReachable(runtime: Runtime, plan: Plan, machines: readonly MachineSpec[]): void {
  for (const entry of plan.entries) {
    for (const spec of machines) if (matches(spec, entry.selector)) runtime.machine(spec);
  }
}

/** Freezes each directory once, however many entries name it: what runs hours later is what was submitted. */
async function freezeEntries(
  runtime: Runtime,
  read: ReadPlan,
  machines: readonly MachineSpec[],
  signal: AbortSignal | undefined,
): Promise<Item[]> {
  const frozen = new Map<string, Awaited<ReturnType<typeof freezeTree>>>();
  const items: Item[] = [];
  for (const entry of read.plan.entries) {
    const dir = read.dirOf(entry);
    const tree = frozen.get(dir) ?? (await freezeTree(dir, runtime.treesDir, signal));
    frozen.set(dir, tree);
    const spec = machines.find((m) => matches(m, entry.selector));
    if (spec !== undefined || entry.entrypoint !== null) {
      const name = entry.entrypoint ?? (spec === undefined ? "" : defaultEntrypoint(spec));
      await mustHaveEntrypoint(tree, name, `${entry.dir} (entry "${entry.name}")`);
    }
    items.push(toItem(entry, dir, tree.hash));
  }
  return items;
}

const toItem = (entry: PlanEntry, dir: string, testDirHash: string): Item => ({
  name: entry.name,
  dir,
  selector: entry.selector,
  state: "queued",
  runId: null,
  machine: null,
  errorCode: null,
  errorMsg: null,
  spec: {
    testDirHash,
    entrypoint: entry.entrypoint,
    env: entry.env,
    timeoutMs: entry.timeoutMs,
    silenceMs: entry.silenceMs,
    retries: entry.retries,
    onUnreachable: entry.onUnreachable,
    ...(entry.artifacts && { artifacts: entry.artifacts }),
  },
});

/** Told before anything is recorded: an entry that nobody here can start would wait for ever. */
function mustHaveVariables(runtime: Runtime, plan: Plan, items: readonly Item[] = []): void {
  const decided = new Set(items.filter((item) => item.state !== "queued").map((item) => item.name));
  const missing = plan.entries.flatMap((entry) => {
    if (decided.has(entry.name)) return [];
    const names = missingVariables(entry.env, runtime.environment);
    return names.length === 0 ? [] : [`entry "${entry.name}" takes ${names.join(", ")}`];
  });
  if (missing.length === 0) return;
  throw new WaybillError("missing_env", `Not set in this environment: ${missing.join("; ")}.`, {
    hint: "Set them for this command; their values are handed to the program and stored nowhere.",
    details: { missing },
  });
}
