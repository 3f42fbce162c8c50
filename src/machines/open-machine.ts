import type { MachineSpec } from "../domain/machine.js";
import type { Environment } from "./environment.js";
import { createLocalMachine } from "./local/local-machine.js";
import type { Machine } from "./machine-port.js";
import { createSshMachine } from "./ssh/ssh-machine.js";

/**
 * Gives the machines that an inventory describes, each once: what a machine knows (its connection, who waits for what on
 * it) is shared by all that this process does there. Nothing is touched until a machine is asked something.
 *
 * @param environment what programs on this very machine inherit, and what `ssh` finds its agent by.
 */
export function machineOpener(environment: Environment): (spec: MachineSpec) => Machine {
  const opened = new Map<string, Machine>();
  return (spec) => {
    const name = JSON.stringify(spec);
    const machine = opened.get(name) ?? openMachine(spec, environment);
    opened.set(name, machine);
    return machine;
  };
}

/** What a machine runs decides how its shell is spoken to (ssh/dialect.ts), and nothing else. */
const openMachine = (spec: MachineSpec, environment: Environment): Machine =>
  spec.transport === "local" ? createLocalMachine(spec, { environment }) : createSshMachine(spec, environment);
