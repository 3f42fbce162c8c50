/**
 * A machine is known by its name. Two inventories that give one name to two places would share slots that are not the
 * same, so whoever dispatches looks first whether the name is in use elsewhere.
 */
import { WaybillError } from "../domain/errors.js";
import type { MachineSpec } from "../domain/machine.js";
import { targetOf } from "./item-run.js";
import type { Runtime } from "./runtime.js";

/** Errors: `machine_mismatch` when an active run has a machine of one of these names in another place. */
export async function mustBeTheSameMachines(runtime: Runtime, specs: readonly MachineSpec[]): Promise<void> {
  const wanted = new Map(specs.map((spec) => [spec.name, targetOf(runtime, spec)]));
  for (const run of await runtime.store.runs.activeRuns()) {
    const spec = wanted.get(run.machine);
    const { host, workDir } = run.request.target;
    if (run.kind !== "directory" || spec === undefined || (spec.host === host && spec.workDir === workDir)) continue;
    const message = `${run.machine} is another machine to run ${run.id}: there its work_dir is ${workDir}, here ${spec.workDir}.`;
    throw new WaybillError("machine_mismatch", message, {
      hint: "Two inventories use one name: rename one of the machines, or give one project a WAYBILL_HOME of its own.",
      details: { machine: run.machine, run: run.id, work_dir: workDir, wanted: spec.workDir },
    });
  }
}
