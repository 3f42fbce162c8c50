import { type GateLineView, toGateLineView } from "../../contracts/gates.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { checkGateName, type GateWish } from "../../domain/readiness.js";
import type { AppContext, CallHandler } from "../context.js";
import { readReadiness } from "../sidecar/read-readiness.js";

type Input = ParsedInputOf<"gates.hold">;

async function decide(context: AppContext, { name, reason }: Input, wish: GateWish): Promise<GateLineView> {
  checkGateName(name);
  const { gates } = await context.store();
  const decision = { gate: name, wish, at: null, by: context.settings.user, reason: reason ?? null };
  return toGateLineView(await gates.decideGate(decision));
}

export const holdGate: CallHandler<"gates.hold"> = (context, input) => decide(context, input, "hold");
export const releaseGate: CallHandler<"gates.release"> = (context, input) => decide(context, input, "release");

export const listGates: CallHandler<"gates.list"> = async (context) => {
  const { ready, closed, gates } = await readReadiness(await context.store());
  return { ready, closed: [...closed], gates: gates.map(toGateLineView) };
};
