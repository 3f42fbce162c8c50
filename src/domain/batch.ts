/**
 * A batch: the dispatch decisions of one plan against one staging, and nothing else.
 *
 * Outcomes live in runs and are joined when read (the source's rule), so that a decision and an outcome can never
 * disagree. A decision is made once: an item leaves `queued` and stays where it went.
 */
import type { ContactPolicy } from "./contact-policy.js";
import type { ErrorCode } from "./errors.js";
import type { EnvValue, Run, RunStatus } from "./run.js";
import { isTerminal, noRuns } from "./run.js";

export const ITEM_STATES = ["queued", "dispatched", "skipped"] as const;
export type ItemState = (typeof ITEM_STATES)[number];

export const ITEM_TRANSITIONS = {
  queued: ["dispatched", "skipped"],
  dispatched: [],
  skipped: [],
} as const satisfies Record<ItemState, readonly ItemState[]>;

export type Selector = { readonly machine: string } | { readonly tag: string };

/** The wire's form of a selector, as in the source: `machine:gpu-1` or `tag:linux`. */
export const formatSelector = (s: Selector): string => ("machine" in s ? `machine:${s.machine}` : `tag:${s.tag}`);

export function parseSelector(text: string): Selector | null {
  const at = text.indexOf(":");
  const [kind, name] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || name === "") return null;
  if (kind === "machine") return { machine: name };
  return kind === "tag" ? { tag: name } : null;
}

/** What an item needs to be dispatched later, by another process, after the plan file has changed. */
export interface ItemSpec {
  readonly testDirHash: string;
  readonly entrypoint: string | null;
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly timeoutMs: number | null;
  readonly silenceMs: number | null;
  readonly retries: number;
  readonly onUnreachable: ContactPolicy;
  /** Which artifacts are brought; absent: all. */
  readonly artifacts?: readonly string[];
}

export interface Item {
  readonly name: string;
  readonly dir: string;
  readonly selector: Selector;
  readonly state: ItemState;
  readonly runId: string | null;
  readonly machine: string | null;
  readonly errorCode: ErrorCode | null;
  readonly errorMsg: string | null;
  readonly spec: ItemSpec;
}

export interface NewBatch {
  readonly id: string;
  readonly planHash: string;
  readonly staging: string;
  readonly createdBy: string;
  /** Where the plan came from: `plan:<path>` or `inline`. */
  readonly source: string;
  readonly items: readonly Item[];
}

export interface Batch extends NewBatch {
  readonly createdAt: number;
  readonly expectedCount: number;
  readonly cancelRequestedAt: number | null;
}

/** Adopts `incoming` only where the stored item is still queued and `incoming` has moved on, so that writers commute. */
export function mergeItem(stored: Item, incoming: Item): Item {
  const moves = (ITEM_TRANSITIONS[stored.state] as readonly ItemState[]).includes(incoming.state);
  if (!moves) return stored;
  const { state, runId, machine, errorCode, errorMsg } = incoming;
  return { ...stored, state, runId, machine, errorCode, errorMsg };
}

export interface BatchProgress {
  readonly total: number;
  readonly queued: number;
  readonly skipped: number;
  readonly byStatus: Readonly<Record<RunStatus, number>>;
  /** Items whose story is over: skipped, or run to a terminal status. */
  readonly done: number;
  readonly finished: boolean;
  /** Every entry ran and completed. */
  readonly succeeded: boolean;
}

/** Counts a batch's items by decision and by the outcome of their runs. A run that was removed counts as done. */
export function batchProgress(items: readonly Item[], runs: ReadonlyMap<string, Pick<Run, "status">>): BatchProgress {
  const byStatus = noRuns();
  let queued = 0;
  let skipped = 0;
  let done = 0;
  for (const item of items) {
    if (item.state === "queued") queued += 1;
    if (item.state === "skipped") skipped += 1;
    const run = item.runId === null ? undefined : runs.get(item.runId);
    if (run !== undefined) byStatus[run.status] += 1;
    if (item.state === "skipped" || (item.state === "dispatched" && (run === undefined || isTerminal(run.status)))) {
      done += 1;
    }
  }
  const total = items.length;
  return { total, queued, skipped, byStatus, done, finished: done === total, succeeded: byStatus.completed === total };
}
