/** What a worker did, in a line. */
import type { OutputOf } from "../../../contracts/index.js";
import { showLabel } from "../../../domain/worker.js";
import { renderAttemptCounts } from "./attempt-counts.js";

export function renderWorked({
  agent_id: agent,
  started,
  refused,
  waiting_for_paths: left,
  hurried,
  ...counts
}: OutputOf<"workers.work">): string {
  const begun = `${started} ${started === 1 ? "attempt" : "attempts"}`;
  const late = refused === 0 ? "" : `, ${refused} refused`;
  const paths = left === 0 ? "" : `; ${left} ${left === 1 ? "task still waits" : "tasks still wait"} for paths`;
  const hurry = hurried ? "; stopped in a hurry" : "";
  return `worked as ${showLabel(agent)}: ${begun}, ${renderAttemptCounts(counts)}${late}${paths}${hurry}`;
}
