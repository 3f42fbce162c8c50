import pMap from "p-map";
import { withContactNoted } from "../../dispatch/machine-contact.js";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { MachineFinding } from "../../machines/machine-port.js";
import type { AppContext, CallHandler } from "../context.js";
import { machineNamed } from "../runs/choose-machine.js";

/** How many machines are asked at once: each is a process of ssh and a login, and a host that starves takes all for gone. */
export const MACHINES_AT_ONCE = 16;

export interface CheckedMachine {
  readonly name: string;
  readonly ok: boolean;
  readonly findings: MachineFinding[];
}

export const checkMachines: CallHandler<"machines.check"> = async (context, input) => {
  const inventory = await context.inventory();
  const named = input.name.map((name) => machineNamed(inventory, name));
  const machines = await checkAll(context, input.all || named.length === 0 ? inventory.machines : named);
  return { ok: machines.every((m) => m.ok), machines };
};

/** Checks machines side by side; one that cannot be reached is a finding, not an error of the others. */
export async function checkAll(context: AppContext, specs: readonly MachineSpec[]): Promise<CheckedMachine[]> {
  const { machine, store } = await context.runtime();
  const checkOne = async (spec: MachineSpec): Promise<CheckedMachine> => {
    const findings = await check(() => withContactNoted(store, spec, () => machine(spec).check()));
    return { name: spec.name, ok: findings.every((f) => f.ok), findings };
  };
  return await pMap(specs, checkOne, { concurrency: MACHINES_AT_ONCE });
}

async function check(look: () => Promise<readonly MachineFinding[]>): Promise<MachineFinding[]> {
  try {
    return [...(await look())];
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return [{ name: "reach", ok: false, value: error.message, hint: error.hint ?? null }];
  }
}
