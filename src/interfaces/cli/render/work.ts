/** What a worker did, in a line. */
import type { OutputOf } from "../../../contracts/index.js";
import { showLabel } from "../../../domain/worker.js";
import { renderAttemptCounts } from "./attempt-counts.js";

export function renderWorked({
  agent_id: agent,
  started,
  refused,
  hurried,
  ...counts
}: OutputOf<"workers.work">): string {
  const begun = `${started} ${started === 1 ? "attempt" : "attempts"}`;
  const late = refused === 0 ? "" : `, ${refused} refused`;
  const hurry = hurried ? "; stopped in a hurry" : "";
  return `worked as ${showLabel(agent)}: ${begun}, ${renderAttemptCounts(counts)}${late}${hurry}`;
}
