/** Looks at the slots of a sandbox's machines, as their supervisors left them. */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Runs that hold a slot of a sandbox's local machines. */
export function slotHolders(home: string): string[] {
  const machines = join(home, "machines");
  if (!existsSync(machines)) return [];
  return readdirSync(machines).flatMap((name) => holdersIn(join(machines, name)).map((holder) => `${name}: ${holder}`));
}

/** Runs that hold a slot below a work directory: the highest generation of each slot says who (docs/run-protocol.md). */
export function holdersIn(workDir: string): string[] {
  const slots = join(workDir, "slots");
  if (!existsSync(slots)) return [];
  const newest = new Map<string, number>();
  for (const name of readdirSync(slots)) {
    const [slot = "", generation] = name.split(".");
    newest.set(slot, Math.max(newest.get(slot) ?? 0, Number(generation)));
  }
  const holders = [...newest].map(([slot, generation]) => readlinkSync(join(slots, `${slot}.${generation}`)));
  return holders.filter((holder) => !holder.startsWith("released|"));
}
