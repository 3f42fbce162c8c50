/** Turns queued items of a batch into decisions, as far as machines are free. Used for the first wave and for all later ones. */
import { type Batch, formatSelector, type Item } from "../domain/batch.js";
import type { MachineSpec } from "../domain/machine.js";
import { type MachineLoad, place } from "../domain/placement.js";
import { dispatchableRun } from "./item-run.js";
import { missingVariables } from "./program-environment.js";
import type { Runtime } from "./runtime.js";

export interface Wave {
  /** Items whose decision this call made. */
  readonly decided: number;
  /** Items that wait for a slot. */
  readonly waiting: number;
  /** Items that only a process with these variables in its environment can dispatch. */
  readonly blocked: ReadonlyMap<string, readonly string[]>;
}

/** How many runs hold a slot of each machine now, and which of the machines are drained. */
export async function machineLoads(runtime: Runtime, machines: readonly MachineSpec[]): Promise<MachineLoad[]> {
  const active = new Map<string, number>();
  for (const run of await runtime.store.runs.activeRuns()) {
    if (run.slot !== null) active.set(run.machine, (active.get(run.machine) ?? 0) + 1);
  }
  const notes = await runtime.store.machines.listMachineNotes();
  const drains = new Map(notes.map(({ name, drain }) => [name, drain]));
  return machines.map((spec) => ({
    spec,
    active: active.get(spec.name) ?? 0,
    drain: drains.get(spec.name) ?? null,
  }));
}

export async function backFill(runtime: Runtime, batch: Batch, machines: readonly MachineSpec[]): Promise<Wave> {
  const blocked = new Map<string, readonly string[]>();
  const ready: Item[] = [];
  for (const item of batch.items) {
    if (item.state !== "queued") continue;
    const missing = missingVariables(item.spec.env, runtime.environment);
    if (missing.length === 0) ready.push(item);
    else blocked.set(item.name, missing);
  }
  let decided = 0;
  let waiting = 0;
  const skipped: Item[] = [];
  for (const placement of place(ready, await machineLoads(runtime, machines))) {
    if (placement.decision === "wait") waiting += 1;
    if (placement.decision === "skip") skipped.push(skip(placement.item, placement.reason));
    if (placement.decision === "dispatch") {
      if (await dispatch(runtime, batch, placement.item, machineNamed(machines, placement.machine))) decided += 1;
      else waiting += 1;
    }
  }
  if (skipped.length > 0) await runtime.store.batches.mergeItems(batch.id, skipped);
  return { decided: decided + skipped.length, waiting, blocked };
}

const skip = (item: Item, reason: string): Item => ({
  ...item,
  state: "skipped",
  errorCode: "no_matching_machine",
  errorMsg: reason,
});

function machineNamed(machines: readonly MachineSpec[], name: string): MachineSpec {
  const spec = machines.find((m) => m.name === name);
  if (spec === undefined) throw new Error(`Placement named ${name}, which it was not given.`);
  return spec;
}

/** @returns whether this item is decided now, by whomever. */
async function dispatch(runtime: Runtime, batch: Batch, item: Item, spec: MachineSpec): Promise<boolean> {
  const { dispatch: wanted, make } = dispatchableRun(runtime, batch, item, spec);
  const answer = await runtime.store.batches.dispatchItem(batch.id, item.name, wanted, make);
  if (answer.decided) runtime.onStep("batch.item_decided", `${batch.id}/${item.name}`);
  runtime.log("batch.item", {
    batch: batch.id,
    item: item.name,
    selector: formatSelector(item.selector),
    machine: spec.name,
    decided: answer.decided,
  });
  return answer.decided || answer.reason === "already";
}
