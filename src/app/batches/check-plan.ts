import { formatSelector } from "../../domain/batch.js";
import { explainNoMatch, matches } from "../../domain/placement.js";
import type { CallHandler } from "../context.js";
import { readPlan } from "./read-plan.js";

/** Checks a plan against itself, its directories and the machines; what is merely unmatched is a warning. */
export const checkPlan: CallHandler<"plans.check"> = async (context, input) => {
  const read = await readPlan(input.plan, context.settings.cwd);
  read.mustFindDirectories();
  const { machines } = await context.inventory();
  const specs = machines.map((spec) => ({ spec }));
  const entries = read.plan.entries.map((entry) => ({
    name: entry.name,
    dir: entry.dir,
    selector: formatSelector(entry.selector),
    machines: machines.filter((m) => matches(m, entry.selector)).map((m) => m.name),
  }));
  const warnings = read.plan.entries.flatMap((entry, index) =>
    entries[index]?.machines.length === 0 ? [`${entry.name}: ${explainNoMatch(entry.selector, specs)}`] : [],
  );
  return { plan_hash: read.hash, entries, warnings };
};
