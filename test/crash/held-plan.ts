/** A plan whose entries end when the test says so. */
import type { Sandbox } from "../harness/sandbox.js";
import type { Gate } from "./gate.js";

/** Over two machines; each entry writes its name on a line of the sandbox's `executions`, and waits. @returns the plan's path */
export function heldPlan(box: Sandbox, gate: Gate, names: readonly string[]): string {
  box.machines({ one: { tags: ["any"] }, two: { tags: ["any"] } });
  box.work("entry", `echo "$WAYBILL_PLAN_ENTRY" >> '${box.path("executions")}'; ${gate.wait}`);
  return box.plan(
    "plan.yaml",
    names.map((name) => ({ name, dir: "entry", tag: "any" })),
  );
}
