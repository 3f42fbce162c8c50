/** What must be true of a sandbox and its machines over ssh once everything has come to its end. */
import { expect } from "vitest";
import { expectNothingLeft } from "../crash/aftermath.js";
import type { FleetMachine } from "../harness/fleet.js";
import { holdersIn } from "../harness/machine-slots.js";
import type { Sandbox } from "../harness/sandbox.js";
import { expectNothingLeft as expectNothingOn } from "./aftermath.js";

/** Takes the servers away, with which the shared connections go, and looks for whatever should have gone before. */
export async function expectNothingLeftOnFleet(box: Sandbox, machines: readonly FleetMachine[]): Promise<void> {
  await Promise.all(machines.map(({ sshd }) => sshd.kill()));
  await expectNothingLeft(box);
  for (const machine of machines) await expectNothingOn(machine);
  expect(machines.flatMap(({ workDir }) => holdersIn(workDir))).toEqual([]);
}
