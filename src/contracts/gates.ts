/** Operations on the readiness gates, by which traffic is let in or kept away. */
import * as z from "zod";
import { isOpen, type ReadinessGate } from "../domain/readiness.js";
import { maybeTime, toMaybeTime } from "./fields.js";
import { later } from "./later.js";
import { operation } from "./operation.js";

const gateView = later(() =>
  z.object({
    name: z.string(),
    open: z.boolean().describe("released, and not held since"),
    held_at: maybeTime,
    released_at: maybeTime,
    by: z.string().nullable(),
    reason: z.string().nullable(),
  }),
);
export type GateLineView = z.infer<ReturnType<typeof gateView>>;

export const toGateLineView = (gate: ReadinessGate): GateLineView => ({
  name: gate.name,
  open: isOpen(gate),
  held_at: toMaybeTime(gate.heldAt),
  released_at: toMaybeTime(gate.releasedAt),
  by: gate.by,
  reason: gate.reason,
});

export const listGates = operation({
  name: "gates.list",
  command: "gates list",
  summary: "List the readiness gates, and whether all of them are open",
  effect: "read",
  input: () => z.object({}),
  output: () =>
    z.object({
      ready: z.boolean().describe("every gate is open; a sidecar that stops is not ready all the same"),
      closed: z.array(z.string()).describe("the gates that stand against it, those of holds under way included"),
      gates: z.array(gateView()),
    }),
  errors: [],
  examples: [["gates list", "who holds traffic back, since when and why"]],
});

const gateName = z.string().describe("the gate's name; `ready` exists everywhere, others from their first mention");
const reason = z.string().max(1_000).optional().describe("why, for whoever looks at it later");

export const holdGate = operation({
  name: "gates.hold",
  command: "gates hold",
  summary: "Close a readiness gate: sidecars of this store say that they are not ready",
  effect: "write",
  positional: ["name"],
  input: () => z.object({ name: gateName, reason }),
  output: () => gateView(),
  errors: ["invalid_input"],
  examples: [['gates hold ready --reason "new schema"', "until `gates release ready`"]],
});

export const releaseGate = operation({
  name: "gates.release",
  command: "gates release",
  summary: "Open a readiness gate",
  effect: "write",
  positional: ["name"],
  input: () => z.object({ name: gateName, reason }),
  output: () => gateView(),
  errors: ["invalid_input"],
  examples: [["gates release ready", "traffic may come, as far as this gate goes"]],
});
