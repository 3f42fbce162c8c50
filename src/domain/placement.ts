/**
 * Decides who gets what: queued items against machines with free slots. Pure, so that `--dry-run` shows exactly what a
 * real dispatch would do.
 */
import { formatSelector, type Item, type Selector } from "./batch.js";
import type { MachineSpec } from "./machine.js";
import { nearest } from "./nearest.js";

export interface MachineLoad {
  readonly spec: MachineSpec;
  /** Runs that hold a slot on it now. */
  readonly active: number;
}

export type Placement =
  | { readonly item: Item; readonly decision: "dispatch"; readonly machine: string }
  | { readonly item: Item; readonly decision: "wait"; readonly reason: string; readonly candidates: readonly string[] }
  | { readonly item: Item; readonly decision: "skip"; readonly reason: string };

export const matches = (spec: MachineSpec, selector: Selector): boolean =>
  "machine" in selector ? spec.name === selector.machine : spec.tags.includes(selector.tag);

/** Goes through the items in authored order; a tag goes to its machine with the most free slots, names break ties. */
export function place(items: readonly Item[], machines: readonly MachineLoad[]): Placement[] {
  const free = new Map(machines.map((m) => [m.spec.name, m.spec.slots - m.active]));
  return items.map((item) => placeItem(item, machines, free));
}

function placeItem(item: Item, machines: readonly MachineLoad[], free: Map<string, number>): Placement {
  const candidates = machines.filter((m) => matches(m.spec, item.selector)).map((m) => m.spec.name);
  if (candidates.length === 0) return { item, decision: "skip", reason: explainNoMatch(item.selector, machines) };
  const idle = candidates.filter((name) => (free.get(name) ?? 0) > 0);
  const best = idle.sort((a, b) => (free.get(b) ?? 0) - (free.get(a) ?? 0) || (a < b ? -1 : 1))[0];
  if (best === undefined) {
    const held = `${candidates.join(", ")} ${candidates.length === 1 ? "has" : "have"} no free slot`;
    return { item, decision: "wait", reason: held, candidates };
  }
  free.set(best, (free.get(best) ?? 0) - 1);
  return { item, decision: "dispatch", machine: best };
}

/** Says which selector found nothing, and the nearest name or tag that exists. */
export function explainNoMatch(selector: Selector, machines: readonly Pick<MachineLoad, "spec">[]): string {
  const wanted = formatSelector(selector);
  const known =
    "machine" in selector ? machines.map((m) => m.spec.name) : [...new Set(machines.flatMap((m) => m.spec.tags))];
  const near = nearest("machine" in selector ? selector.machine : selector.tag, known);
  const kind = "machine" in selector ? "machines" : "tags";
  const miss = near === null ? `known ${kind}: ${known.join(", ") || "none"}` : `the nearest is "${near}"`;
  return `No machine matches ${wanted}; ${miss}.`;
}
