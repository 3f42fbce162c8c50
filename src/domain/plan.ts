/** A plan: named entries, each a directory and the machine or tag that is to run it. */
import { formatSelector, type Selector } from "./batch.js";
import { canonicalJson } from "./canonical-json.js";
import type { ContactPolicy } from "./contact-policy.js";
import type { EnvValue } from "./run.js";

export interface PlanEntry {
  readonly name: string;
  /** As authored, relative to the plan file. */
  readonly dir: string;
  readonly selector: Selector;
  readonly timeoutMs: number | null;
  readonly silenceMs: number | null;
  readonly entrypoint: string | null;
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly retries: number;
  readonly onUnreachable: ContactPolicy;
  /** Which artifacts are brought, in git's syntax of patterns; absent: all. */
  readonly artifacts?: readonly string[];
}

export interface Plan {
  readonly version: 1;
  readonly entries: readonly PlanEntry[];
}

/**
 * The text whose SHA-256 is the `plan_hash`: entries in authored order, defaults filled in, keys sorted. White space,
 * comments, key order and the spelling of a duration therefore do not count; order, names and values do.
 */
export function canonicalPlan(plan: Plan): string {
  return canonicalJson({
    version: plan.version,
    entries: plan.entries.map(({ selector, onUnreachable, ...entry }) => ({
      ...entry,
      selector: formatSelector(selector),
      // Left out where it is the default: a plan that was hashed before there were policies keeps its hash.
      ...(onUnreachable.action === "wait" ? {} : { onUnreachable }),
    })),
  });
}
