/** `waybill machines list` and `show`: the inventory, with what the store knows of each machine. */
import { type MachineView, toMachineView } from "../../contracts/machines.js";
import { targetHash } from "../../dispatch/machine-contact.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { MachineNote } from "../../domain/machine-note.js";
import { type Run, waitsForSlot } from "../../domain/run.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";
import { machineNamed } from "../runs/choose-machine.js";
import { checkAll } from "./check-machines.js";

export const listMachines: CallHandler<"machines.list"> = async (context, input) => {
  const { source, machines } = await context.inventory();
  const wanted = machines.filter((m) => input.tag === undefined || m.tags.includes(input.tag));
  if (input.check) await checkAll(context, wanted);
  return { source, machines: await machineViews(await context.store(), wanted) };
};

export const showMachine: CallHandler<"machines.show"> = async (context, input) =>
  await machineViewOf(await context.store(), machineNamed(await context.inventory(), input.name));

export async function machineViewOf(store: Store, spec: MachineSpec): Promise<MachineView> {
  const [view] = await machineViews(store, [spec]);
  return view as MachineView;
}

async function machineViews(store: Store, specs: readonly MachineSpec[]): Promise<MachineView[]> {
  const active = await store.runs.activeRuns();
  const notes = new Map((await store.machines.listMachineNotes()).map((note) => [note.name, note]));
  return specs.map((spec) => {
    const here = active.filter((run) => run.machine === spec.name);
    return toMachineView({
      spec,
      holders: holdersOf(here),
      waiting: here.filter(waitsForSlot).length,
      unreachable: here.some((run) => run.unreachableSince !== null),
      note: aboutThisPlace(notes.get(spec.name), spec),
    });
  });
}

export const holdersOf = (runs: readonly Run[]): string[] =>
  runs.filter((run) => run.slot !== null).map((run) => run.id);

/** Contact with another place of the same name says nothing; a drain is of the name. */
function aboutThisPlace(note: MachineNote | undefined, spec: MachineSpec): MachineNote | null {
  if (note === undefined) return null;
  if (note.targetHash === targetHash(spec)) return note;
  return { ...note, lastContactAt: null, lastFailureAt: null, lastErrorCode: null };
}
