/**
 * Whether what stands behind a sidecar may be given traffic: named gates, each held or released.
 *
 * What counts is the order in which holds and releases were asked for, not the order in which they were carried out, so
 * that a crash in between changes nothing; at the same time a hold beats a release.
 */
import { WaybillError } from "./errors.js";

/** The gate that exists in every sidecar, closed until it is released. Others count from their first mention. */
export const READY_GATE = "ready";

export const GATE_WISHES = ["hold", "release"] as const;
export type GateWish = (typeof GATE_WISHES)[number];

export interface ReadinessGate {
  readonly name: string;
  /** When its newest hold and its newest release were asked for; epoch milliseconds, null: never. */
  readonly heldAt: number | null;
  readonly releasedAt: number | null;
  /** Who asked last, and why. */
  readonly by: string | null;
  readonly reason: string | null;
}

export interface GateDecision {
  readonly gate: string;
  readonly wish: GateWish;
  /** When it was asked for; null: now, and after everything that was asked before. */
  readonly at: number | null;
  readonly by: string | null;
  readonly reason: string | null;
}

/** A hold that was asked for and is not recorded at its gate yet. */
export interface PendingHold {
  readonly gate: string;
  readonly at: number;
}

export interface Readiness {
  readonly ready: boolean;
  /** The gates that stand against it, by name. */
  readonly closed: readonly string[];
}

const GATE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Errors: `invalid_input`. */
export function checkGateName(name: string): void {
  if (GATE_NAME.test(name)) return;
  throw new WaybillError("invalid_input", `${JSON.stringify(name)} is no name of a readiness gate.`, {
    hint: "Expected 1 to 64 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter or a digit.",
    details: { gate: name },
  });
}

const later = (a: number | null, b: number): number => (a === null ? b : Math.max(a, b));

export const isOpen = ({ heldAt, releasedAt }: Pick<ReadinessGate, "heldAt" | "releasedAt">): boolean =>
  releasedAt !== null && (heldAt === null || releasedAt > heldAt);

/** The gate after a decision. One that was asked for before what the gate knows already leaves it as it is. */
export function decideGate(known: ReadinessGate | null, decision: GateDecision, now: number): ReadinessGate {
  const { gate: name, wish, by, reason } = decision;
  const { heldAt = null, releasedAt = null } = known ?? {};
  const newest = Math.max(heldAt ?? 0, releasedAt ?? 0);
  const at = decision.at ?? Math.max(now, newest + 1);
  const isNews = known === null || at > newest || (at === newest && wish === "hold");
  return {
    name,
    heldAt: wish === "hold" ? later(heldAt, at) : heldAt,
    releasedAt: wish === "release" ? later(releasedAt, at) : releasedAt,
    ...(isNews ? { by, reason } : { by: known.by, reason: known.reason }),
  };
}

/** Fails closed: a gate that nobody released is closed, and so is one with a hold that is still to be carried out. */
export function readinessOf(gates: readonly ReadinessGate[], pending: readonly PendingHold[]): Readiness {
  const byName = new Map<string, Pick<ReadinessGate, "heldAt" | "releasedAt">>(
    [{ name: READY_GATE, heldAt: null, releasedAt: null }, ...gates].map((gate) => [gate.name, gate]),
  );
  for (const { gate, at } of pending) {
    const { heldAt = null, releasedAt = null } = byName.get(gate) ?? {};
    byName.set(gate, { heldAt: later(heldAt, at), releasedAt });
  }
  const closed = [...byName].filter(([, gate]) => !isOpen(gate)).map(([name]) => name);
  return { ready: closed.length === 0, closed: closed.sort() };
}
