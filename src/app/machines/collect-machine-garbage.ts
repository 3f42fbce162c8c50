/** `waybill machines gc`: what ended runs left on machines goes, by age and then by size. Never what is in use. */
import pMap from "p-map";
import { durationMs, toTime } from "../../contracts/fields.js";
import type { OutputOf } from "../../contracts/index.js";
import { withContactNoted } from "../../dispatch/machine-contact.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { parseByteSize } from "../../domain/byte-size.js";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import { chooseGarbage, type StockItem } from "../../domain/machine-garbage.js";
import { isTerminal } from "../../domain/run.js";
import { openUpkeep } from "../../machines/upkeep.js";
import type { CallHandler } from "../context.js";
import { machineNamed } from "../runs/choose-machine.js";
import { MACHINES_AT_ONCE } from "./check-machines.js";

type Cleaned = OutputOf<"machines.gc">["machines"][number];

interface Wish {
  readonly olderThanMs: number;
  readonly keepBytes: number | null;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
}

export const collectMachineGarbage: CallHandler<"machines.gc"> = async (context, input, { signal }) => {
  const inventory = await context.inventory();
  const specs = input.name.length === 0 ? inventory.machines : input.name.map((name) => machineNamed(inventory, name));
  const runtime = await context.runtime();
  const wish: Wish = {
    olderThanMs: durationMs(input.older_than) ?? 0,
    keepBytes: input.keep_bytes === undefined ? null : parseByteSize(input.keep_bytes),
    dryRun: input.dry_run,
    signal,
  };
  const machines = await pMap(specs, (spec) => cleanOrTell(runtime, spec, wish), { concurrency: MACHINES_AT_ONCE });
  return { ok: machines.every(({ ok }) => ok), dry_run: input.dry_run, machines };
};

/** A machine that cannot be reached is told in its place, and keeps no other from being cleaned. */
async function cleanOrTell(runtime: Runtime, spec: MachineSpec, wish: Wish): Promise<Cleaned> {
  try {
    return await withContactNoted(runtime.store, spec, () => clean(runtime, spec, wish));
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    const { code, message } = error;
    return { name: spec.name, ok: false, error: { code, message }, freed_bytes: 0, kept_bytes: 0, removed: [] };
  }
}

async function clean(
  runtime: Runtime,
  spec: MachineSpec,
  { olderThanMs, keepBytes, dryRun, signal }: Wish,
): Promise<Cleaned> {
  // Refuses a machine that there is no way to.
  runtime.machine(spec);
  const upkeep = openUpkeep(spec, runtime.environment);
  const { now, items } = await upkeep.stock(signal);
  const stock = await withStoreKnowledge(runtime, items);
  const { doomed, freedBytes, keptBytes } = chooseGarbage(stock, { usedBefore: now - olderThanMs, keepBytes });
  const gone = dryRun ? doomed : await upkeep.remove(doomed, signal);
  const freed = gone.reduce((sum, item) => sum + item.bytes, 0);
  return {
    name: spec.name,
    ok: true,
    error: null,
    freed_bytes: freed,
    kept_bytes: keptBytes + freedBytes - freed,
    removed: gone.map(({ kind, name, bytes, lastUsedAt }) => ({ kind, name, bytes, last_used_at: toTime(lastUsedAt) })),
  };
}

/**
 * What the store knows to be wanted, whatever the machine thinks: attempts of runs that have not ended or whose artifacts are
 * still to be fetched, and the trees of work that is to start. Artifacts that could not be fetched go by age alone.
 */
async function withStoreKnowledge({ store }: Runtime, items: readonly StockItem[]): Promise<StockItem[]> {
  const runIdOf = (item: StockItem): string => item.name.replace(/\.\d+$/, "");
  const runs = await store.runs.getRuns(items.flatMap((item) => (item.kind === "run" ? [runIdOf(item)] : [])));
  const trees = new Set((await store.runs.activeRuns()).map((run) => run.testDirHash));
  for (const batch of await store.batches.batchesWithQueuedItems()) {
    for (const queued of batch.items) if (queued.state === "queued") trees.add(queued.spec.testDirHash);
  }
  return items.map((item): StockItem => {
    if (item.kind === "tree") return trees.has(item.name) ? { ...item, state: "live" } : item;
    const run = item.kind === "run" ? runs.get(runIdOf(item)) : undefined;
    if (run === undefined || item.state === "live") return item;
    if (!isTerminal(run.status) || run.artifactState === "pending") return { ...item, state: "live" };
    return run.artifactState === "failed" ? { ...item, state: "waiting" } : item;
  });
}
