/** `waybill machines drain` and `undrain`: whether a machine takes new work. */
import type { CallHandler } from "../context.js";
import { awaitRuns } from "../runs/await-runs.js";
import { machineNamed } from "../runs/choose-machine.js";
import { holdersOf, machineViewOf } from "./list-machines.js";

export const drainMachine: CallHandler<"machines.drain"> = async (context, input, { signal }) => {
  const spec = machineNamed(await context.inventory(), input.name);
  const store = await context.store();
  await store.machines.drainMachine(spec.name, { by: context.settings.user, reason: input.reason ?? null });
  if (input.wait) {
    // From here on nothing gets a slot of it, so that those who hold one now are all.
    const ids = holdersOf((await store.runs.activeRuns()).filter((run) => run.machine === spec.name));
    await awaitRuns(context, ids, (runs) => holdersOf(runs).length === 0, signal ?? new AbortController().signal);
  }
  return await machineViewOf(store, spec);
};

export const undrainMachine: CallHandler<"machines.undrain"> = async (context, input) => {
  const spec = machineNamed(await context.inventory(), input.name);
  const store = await context.store();
  await store.machines.undrainMachine(spec.name, context.settings.user);
  return await machineViewOf(store, spec);
};
