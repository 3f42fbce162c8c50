import { describe, expect, it } from "vitest";
import {
  checkGateName,
  decideGate,
  type GateDecision,
  isOpen,
  READY_GATE,
  type ReadinessGate,
  readinessOf,
} from "./readiness.js";

const hold = (at: number | null, reason: string | null = null): GateDecision => ({
  gate: "ready",
  wish: "hold",
  at,
  by: "holder",
  reason,
});
const release = (at: number | null): GateDecision => ({
  gate: "ready",
  wish: "release",
  at,
  by: "releaser",
  reason: null,
});

const gateAfter = (...decisions: readonly GateDecision[]): ReadinessGate =>
  decisions.reduce<ReadinessGate | null>((gate, decision) => decideGate(gate, decision, 100), null) as ReadinessGate;

describe("a readiness gate", () => {
  it("is open once it was released, and closed by a later hold", () => {
    expect(isOpen(gateAfter(release(1)))).toBe(true);
    expect(isOpen(gateAfter(release(1), hold(2)))).toBe(false);
    expect(isOpen(gateAfter(release(1), hold(2), release(3)))).toBe(true);
    expect(isOpen(gateAfter(hold(1)))).toBe(false);
  });

  it("is held when a hold and a release were asked for at the same time, in either order", () => {
    expect(isOpen(gateAfter(release(5), hold(5)))).toBe(false);
    expect(isOpen(gateAfter(hold(5), release(5)))).toBe(false);
    expect(gateAfter(release(5), hold(5, "both"))).toMatchObject({ by: "holder", reason: "both" });
    expect(gateAfter(hold(5, "both"), release(5))).toMatchObject({ by: "holder", reason: "both" });
  });

  it("ends up the same in whatever order decisions are carried out", () => {
    const decisions = [hold(1), release(2), hold(3), release(4)];
    const orders = decisions.flatMap((first) => [
      [first, ...decisions],
      [...decisions, first],
      [...decisions].reverse(),
    ]);
    for (const order of orders) expect(gateAfter(...order)).toMatchObject({ heldAt: 3, releasedAt: 4, by: "releaser" });
  });

  it("takes a decision without a time as newer than all before, even when the clock was set back", () => {
    expect(gateAfter(hold(5_000), release(null))).toMatchObject({ heldAt: 5_000, releasedAt: 5_001 });
    expect(gateAfter(release(null))).toMatchObject({ releasedAt: 100 });
  });

  it("has a name of lower-case letters, digits, dots, hyphens and underscores", () => {
    for (const name of ["ready", "db.warm_up-2", "7"]) expect(() => checkGateName(name)).not.toThrow();
    for (const name of ["", "A", ".a", "a b", "a".repeat(65)]) {
      expect(() => checkGateName(name)).toThrow(expect.objectContaining({ code: "invalid_input" }));
    }
  });
});

describe("readiness", () => {
  const gate = (name: string, ...decisions: readonly GateDecision[]) => ({ ...gateAfter(...decisions), name });

  it("is not there until the first gate was released", () => {
    expect(readinessOf([], [])).toEqual({ ready: false, closed: [READY_GATE] });
    expect(readinessOf([gate(READY_GATE, release(1))], [])).toEqual({ ready: true, closed: [] });
  });

  it("needs every gate that was ever mentioned", () => {
    const gates = [gate("warm", hold(1)), gate(READY_GATE, release(1)), gate("db", hold(2))];
    expect(readinessOf(gates, [])).toEqual({ ready: false, closed: ["db", "warm"] });
  });

  it("is taken away by a hold that is still to be carried out, unless a release was asked for after it", () => {
    const gates = [gate(READY_GATE, hold(1), release(5))];
    expect(readinessOf(gates, [{ gate: READY_GATE, at: 5 }]).ready).toBe(false);
    expect(readinessOf(gates, [{ gate: READY_GATE, at: 4 }]).ready).toBe(true);
    expect(readinessOf(gates, [{ gate: "new", at: 4 }])).toEqual({ ready: false, closed: ["new"] });
  });
});
