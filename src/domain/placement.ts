/**
 * Decides who gets what: queued items against machines with free slots. Pure, so that `--dry-run` shows exactly what a
 * real dispatch would do.
 */
import { formatSelector, type Item, type Selector } from "./batch.js";
import type { MachineSpec } from "./machine.js";
import { type Drain, describeDrain } from "./machine-note.js";
import { nearest } from "./nearest.js";

export interface MachineLoad {
  readonly spec: MachineSpec;
  /** Runs that hold a slot on it now. */
  readonly active: number;
  /** Not null: it takes no new work. */
  readonly drain: Drain | null;
}

export type Placement =
  | { readonly item: Item; readonly decision: "dispatch"; readonly machine: string }
  | { readonly item: Item; readonly decision: "wait"; readonly reason: string; readonly candidates: readonly string[] }
  | { readonly item: Item; readonly decision: "skip"; readonly reason: string };

export const matches = (spec: MachineSpec, selector: Selector): boolean =>
  "machine" in selector ? spec.name === selector.machine : spec.tags.includes(selector.tag);

/** A machine and what is left of its slots as items are placed. */
interface Seats {
  readonly spec: MachineSpec;
  readonly drain: Drain | null;
  free: number;
}

/** Goes through the items in authored order; a tag goes to its machine with the most free slots, names break ties. */
export function place(items: readonly Item[], machines: readonly MachineLoad[]): Placement[] {
  const seats = machines.map(({ spec, active, drain }) => ({
    spec,
    drain,
    free: drain === null ? spec.slots - active : 0,
  }));
  return items.map((item) => placeItem(item, seats));
}

function placeItem(item: Item, seats: readonly Seats[]): Placement {
  const fitting = seats.filter(({ spec }) => matches(spec, item.selector));
  if (fitting.length === 0) return { item, decision: "skip", reason: explainNoMatch(item.selector, seats) };
  const idle = fitting.filter(({ free }) => free > 0);
  const best = idle.sort((a, b) => b.free - a.free || (a.spec.name < b.spec.name ? -1 : 1))[0];
  if (best === undefined) {
    const candidates = fitting.map(({ spec }) => spec.name);
    return { item, decision: "wait", reason: explainWait(fitting), candidates };
  }
  best.free -= 1;
  return { item, decision: "dispatch", machine: best.spec.name };
}

function explainWait(fitting: readonly Seats[]): string {
  const full = fitting.flatMap(({ spec, drain }) => (drain === null ? [spec.name] : []));
  const drained = fitting.flatMap(({ spec, drain }) =>
    drain === null ? [] : `${spec.name} is ${describeDrain(drain)}`,
  );
  const held = `${full.join(", ")} ${full.length === 1 ? "has" : "have"} no free slot`;
  return [...(full.length === 0 ? [] : [held]), ...drained].join("; ");
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
