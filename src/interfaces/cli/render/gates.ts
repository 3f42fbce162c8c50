/** Readiness gates for people. */
import pc from "picocolors";
import type { GateLineView } from "../../../contracts/gates.js";
import type { OutputOf } from "../../../contracts/index.js";
import { formatTime, printable, table } from "./text.js";

const stateOf = (open: boolean): string => (open ? pc.green("open") : pc.yellow("held"));

export async function renderGates({ ready, closed, gates }: OutputOf<"gates.list">): Promise<string> {
  const now = Date.now();
  const rows = gates.map((gate) => [
    printable(gate.name),
    stateOf(!closed.includes(gate.name)),
    formatTime(gate.open ? gate.released_at : gate.held_at, now),
    printable(gate.by ?? ""),
    printable(gate.reason ?? ""),
  ]);
  const verdict = ready ? pc.green("ready") : `${pc.yellow("not ready")}: ${closed.join(", ")}`;
  if (rows.length === 0) return verdict;
  return `${await table(["GATE", "STATE", "SINCE", "BY", "REASON"], rows)}\n\n${verdict}`;
}

export const renderGate = ({ name, open }: GateLineView): string => `${printable(name)} is ${open ? "open" : "held"}`;
