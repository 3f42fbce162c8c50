import { WaybillError } from "../domain/errors.js";
import type { MachineSpec } from "../domain/machine.js";
import type { Environment } from "./environment.js";
import { createLocalMachine } from "./local/local-machine.js";
import type { Machine } from "./machine-port.js";

/**
 * Opens the machine that an inventory describes. Nothing is touched until it is asked something.
 *
 * @param environment what programs on this very machine inherit; an `ssh` machine has its own.
 * @throws `transport_unavailable` when there is no way to reach it in this release.
 */
export function openMachine(spec: MachineSpec, environment: Environment): Machine {
  if (spec.transport === "local") return createLocalMachine(spec, { environment });
  throw new WaybillError(
    "transport_unavailable",
    `Machine "${spec.name}" is reached over ${spec.transport}, which this release cannot do yet; it has the transport "local".`,
    { hint: "SSH follows in the next release. Until then, run Waybill on that host with `transport: local`." },
  );
}
