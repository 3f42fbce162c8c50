/** What a fault must not leave on a machine. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { FleetMachine } from "../harness/fleet.js";
import { processesWith } from "../harness/processes.js";
import { until } from "../harness/until.js";

/** Files by name below a folder of the machine; none where there is no such folder. */
const namesIn = ({ workDir }: FleetMachine, folder: string): string[] =>
  existsSync(join(workDir, folder)) ? readdirSync(join(workDir, folder)) : [];

/** No process of a run lives there, and nothing half-finished lies there. */
export async function expectNothingLeft(machine: FleetMachine): Promise<void> {
  await until(`nothing runs on ${machine.name}`, () => processesWith(machine.workDir).length === 0);
  const halves = [...namesIn(machine, "trees"), ...namesIn(machine, "bin")].filter(
    (name) => name.startsWith(".tmp") || name.startsWith(".probe") || /\.sh\.\d+$/.test(name),
  );
  expect(halves).toEqual([]);
}
