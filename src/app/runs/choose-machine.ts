/** Which machine a run goes to: the one named, or the best of those that carry a tag. */
import { machineLoads } from "../../dispatch/back-fill.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import { nearest } from "../../domain/nearest.js";
import { explainNoMatch } from "../../domain/placement.js";
import type { Inventory } from "../context.js";

/** Errors: `machine_not_found` with the nearest name. */
export function machineNamed(inventory: Inventory, name: string): MachineSpec {
  const found = inventory.machines.find((m) => m.name === name);
  if (found !== undefined) return found;
  const names = inventory.machines.map((m) => m.name);
  const near = nearest(name, names);
  throw new WaybillError("machine_not_found", `There is no machine ${JSON.stringify(name)} in ${inventory.source}.`, {
    hint: near === null ? `Known machines: ${names.join(", ")}.` : `Did you mean "${near}"?`,
    details: { name, known: names },
  });
}

/** Machines that the submission may go to, in order of preference before looking at their load. */
export function candidates(inventory: Inventory, machine: string | undefined, tag: string | undefined): MachineSpec[] {
  if (machine !== undefined && tag !== undefined) {
    throw new WaybillError("invalid_input", "Both --machine and --tag were given.", { hint: "Give one of them." });
  }
  if (machine !== undefined) return [machineNamed(inventory, machine)];
  if (tag !== undefined) {
    const tagged = inventory.machines.filter((m) => m.tags.includes(tag));
    if (tagged.length > 0) return tagged;
    const specs = inventory.machines.map((spec) => ({ spec }));
    throw new WaybillError("no_matching_machine", explainNoMatch({ tag }, specs), { details: { tag } });
  }
  const [only, ...others] = inventory.machines;
  if (only !== undefined && others.length === 0) return [only];
  throw new WaybillError("invalid_input", "Neither --machine nor --tag was given, and there are several machines.", {
    hint: `Name one: ${inventory.machines.map((m) => m.name).join(", ")}.`,
  });
}

/** The candidate that already runs this work, else the one with the most free slots, drained ones last; names break ties. */
export async function chooseMachine(
  runtime: Runtime,
  from: readonly MachineSpec[],
  workHashOn: (spec: MachineSpec) => string,
): Promise<MachineSpec> {
  if (from.length > 1) {
    const active = await runtime.store.runs.activeRuns();
    const running = from.find((spec) =>
      active.some((run) => run.machine === spec.name && run.workHash === workHashOn(spec)),
    );
    if (running !== undefined) return running;
  }
  const loads = await machineLoads(runtime, from);
  const free = (load: (typeof loads)[number]) => load.spec.slots - load.active;
  const isDrained = (load: (typeof loads)[number]) => Number(load.drain !== null);
  const [best] = [...loads].sort(
    (a, b) => isDrained(a) - isDrained(b) || free(b) - free(a) || (a.spec.name < b.spec.name ? -1 : 1),
  );
  if (best === undefined) throw new WaybillError("no_matching_machine", "There is no machine to choose from.");
  return best.spec;
}
