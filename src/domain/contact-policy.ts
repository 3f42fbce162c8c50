/**
 * What becomes of a run whose machine cannot be reached: it goes on (`wait`), it is stopped by its machine after a while
 * (`stop_after`), or that and another machine takes it over (`replace_after`).
 *
 * Absence is no outcome. What makes a replacement safe is that the machine itself stops what it has had no contact about
 * for `afterMs`; the dispatcher waits that long, for the grace period, and for a margin that covers clocks of different
 * speed (Gray and Cheriton, "Leases", 1989). A machine that sleeps in between stops the run when it wakes.
 */
import { formatDuration, parseDuration } from "./duration.js";
import { type ErrorCode, WaybillError } from "./errors.js";

/**
 * There was no answer, whatever the reason; nothing follows from it about the run. The last three: its login shell runs
 * nothing, or the machine's side, which would have answered, cannot be put there.
 */
const OUT_OF_REACH: readonly ErrorCode[] = [
  "machine_unreachable",
  "auth_failed",
  "host_key_mismatch",
  "invalid_inventory",
  "transport_unavailable",
  "spawn_failed",
  "upload_failed",
  "disk_full",
];

/** Whether an error says that a machine gave no answer, so that whoever waits for it can only ask again. */
export const isOutOfReach = (error: unknown): error is WaybillError =>
  error instanceof WaybillError && OUT_OF_REACH.includes(error.code);

export const UNREACHABLE_ACTIONS = ["wait", "stop_after", "replace_after"] as const;
export type UnreachableAction = (typeof UNREACHABLE_ACTIONS)[number];

/** Which of the two counts when a machine comes back with an end of its own while the replacement still runs. */
export const RETURN_CHOICES = ["keep_original", "keep_replacement"] as const;
export type ReturnChoice = (typeof RETURN_CHOICES)[number];

export interface ContactPolicy {
  readonly action: UnreachableAction;
  /** Milliseconds without contact after which the machine stops the run; null for `wait`. */
  readonly afterMs: number | null;
  readonly onReturn: ReturnChoice;
}

export const WAIT_FOR_CONTACT: ContactPolicy = { action: "wait", afterMs: null, onReturn: "keep_original" };

/** A driver asks every few seconds; a limit close to that would stop runs over a hiccup. */
export const LEAST_CONTACT_MS = 10_000;

/** Reads `wait`, `stop_after 10m`, `replace_after 1h`; null for anything else, and for less than `LEAST_CONTACT_MS`. */
export function parseContactPolicy(text: string, onReturn: ReturnChoice = "keep_original"): ContactPolicy | null {
  const [action = "", duration, ...rest] = text.trim().split(/\s+/);
  if (action === "wait") return duration === undefined ? { action, afterMs: null, onReturn } : null;
  const afterMs = parseDuration(duration ?? "");
  const known = action === "stop_after" || action === "replace_after";
  return known && rest.length === 0 && afterMs !== null && afterMs >= LEAST_CONTACT_MS
    ? { action, afterMs, onReturn }
    : null;
}

export const formatContactPolicy = ({ action, afterMs }: ContactPolicy): string =>
  afterMs === null ? action : `${action} ${formatDuration(afterMs)}`;

/** At most one in twenty may a clock be slower or faster than another; and never less than ten seconds. */
const marginMs = (afterMs: number): number => Math.max(10_000, afterMs / 20);

/**
 * From when on a run may be given to another machine; null: never.
 *
 * @param unreachableSince when contact was found lost: the machine's own count began no later.
 */
export function replaceableFrom(policy: ContactPolicy, graceMs: number, unreachableSince: number): number | null {
  if (policy.action !== "replace_after" || policy.afterMs === null) return null;
  return unreachableSince + policy.afterMs + graceMs + marginMs(policy.afterMs);
}
