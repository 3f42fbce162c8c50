import type { GateDecision, ReadinessGate } from "../domain/readiness.js";

export interface GateStore {
  /** Holds or releases a gate. @returns the gate afterwards, which a later decision may keep as it was */
  decideGate(decision: GateDecision): Promise<ReadinessGate>;
  /** All gates that were ever mentioned, by name. A few: each is named by whoever operates the service. */
  listGates(): Promise<readonly ReadinessGate[]>;
}
