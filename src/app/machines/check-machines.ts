import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { MachineFinding } from "../../machines/machine-port.js";
import type { AppContext, CallHandler } from "../context.js";
import { machineNamed } from "../runs/choose-machine.js";

export interface CheckedMachine {
  readonly name: string;
  readonly ok: boolean;
  readonly findings: MachineFinding[];
}

export const checkMachines: CallHandler<"machines.check"> = async (context, input) => {
  const inventory = await context.inventory();
  const specs = input.name.length === 0 ? inventory.machines : input.name.map((name) => machineNamed(inventory, name));
  const machines = await checkAll(context, specs);
  return { ok: machines.every((m) => m.ok), machines };
};

/** Checks machines side by side; one that cannot be reached is a finding, not an error of the others. */
export async function checkAll(context: AppContext, specs: readonly MachineSpec[]): Promise<CheckedMachine[]> {
  const { machine } = await context.runtime();
  return await Promise.all(
    specs.map(async (spec) => {
      const findings = await check(() => machine(spec).check());
      return { name: spec.name, ok: findings.every((f) => f.ok), findings };
    }),
  );
}

async function check(look: () => Promise<readonly MachineFinding[]>): Promise<MachineFinding[]> {
  try {
    return [...(await look())];
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return [{ name: "reach", ok: false, value: error.message, hint: error.hint ?? null }];
  }
}
