import { decideGate, type GateDecision, type ReadinessGate } from "../../domain/readiness.js";
import type { GateStore } from "../gate-store.js";
import type { SqlRow } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { integerOrNull, text, textOrNull } from "./rows.js";
import type { Session, SqlScope } from "./session.js";

const UPSERT = `
  INSERT INTO readiness_gates (name, held_at, released_at, decided_by, reason)
  VALUES ($name, $held_at, $released_at, $decided_by, $reason)
  ON CONFLICT DO UPDATE SET held_at = excluded.held_at, released_at = excluded.released_at,
    decided_by = excluded.decided_by, reason = excluded.reason`;

const gateFromRow = (row: SqlRow): ReadinessGate => ({
  name: text(row, "name"),
  heldAt: integerOrNull(row, "held_at"),
  releasedAt: integerOrNull(row, "released_at"),
  by: textOrNull(row, "decided_by"),
  reason: textOrNull(row, "reason"),
});

function decide(scope: SqlScope, decision: GateDecision): ReadinessGate {
  const found = scope.sql("SELECT * FROM readiness_gates WHERE name = $name").get({ name: decision.gate });
  const gate = decideGate(found === undefined ? null : gateFromRow(found), decision, scope.now());
  const { name, heldAt, releasedAt, by, reason } = gate;
  scope.sql(UPSERT).run({ name, held_at: heldAt, released_at: releasedAt, decided_by: by, reason });
  const type = decision.wish === "hold" ? "readiness.held" : "readiness.released";
  appendEvent(scope, { type, subject: name, data: { by: decision.by, reason: decision.reason } });
  return gate;
}

export const sqliteGates = (session: Session): GateStore => ({
  decideGate: (decision) => session.write(() => decide(session, decision)),
  listGates: () =>
    session.read(() => session.sql("SELECT * FROM readiness_gates ORDER BY name").all().map(gateFromRow)),
});
