/** What a worker did, in a line. */
import type { OutputOf } from "../../../contracts/index.js";
import { showLabel } from "../../../domain/worker.js";

export function renderWorked({
  agent_id: agent,
  started,
  succeeded,
  failed,
  ...rest
}: OutputOf<"workers.work">): string {
  const begun = `${started} ${started === 1 ? "attempt" : "attempts"}`;
  const late = rest.refused === 0 ? "" : `, ${rest.refused} refused`;
  const hurry = rest.hurried ? "; stopped in a hurry" : "";
  return `worked as ${showLabel(agent)}: ${begun}, ${succeeded} succeeded, ${failed} failed${late}${hurry}`;
}
