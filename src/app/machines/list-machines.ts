import { type MachineView, toMachineView } from "../../contracts/machines.js";
import type { MachineSpec } from "../../domain/machine.js";
import { waitsForSlot } from "../../domain/run.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";
import { machineNamed } from "../runs/choose-machine.js";

export const listMachines: CallHandler<"machines.list"> = async (context, input) => {
  const { source, machines } = await context.inventory();
  const wanted = machines.filter((m) => input.tag === undefined || m.tags.includes(input.tag));
  return { source, machines: await withLoad(await context.store(), wanted) };
};

export const showMachine: CallHandler<"machines.show"> = async (context, input) => {
  const spec = machineNamed(await context.inventory(), input.name);
  const [view] = await withLoad(await context.store(), [spec]);
  return view as MachineView;
};

async function withLoad(store: Store, specs: readonly MachineSpec[]): Promise<MachineView[]> {
  const active = await store.runs.activeRuns();
  return specs.map((spec) => {
    const here = active.filter((run) => run.machine === spec.name);
    const holders = here.filter((run) => run.slot !== null).map((run) => run.id);
    return toMachineView(spec, holders, here.filter(waitsForSlot).length);
  });
}
