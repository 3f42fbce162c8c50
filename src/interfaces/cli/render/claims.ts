/** Claims of tasks for people, and what is said about them. */

import type { ClaimView } from "../../../contracts/claim-view.js";
import type { OutputOf } from "../../../contracts/index.js";
import { showLabel } from "../../../domain/worker.js";
import { pathOf, renderTaskOutcome } from "./tasks.js";
import { facts, formatTime, printable, shortJson } from "./text.js";

export function renderClaim({ task, fence, agent_id: agentId, session, lease }: ClaimView): string {
  const most = task.max_attempts === null ? "" : ` of ${task.max_attempts}`;
  return facts([
    ["task", task.id],
    ["attempt", task.attempt],
    ["fence", fence],
    ["type", printable(task.type)],
    ["params", shortJson(task.params)],
    ["paths", printable(task.paths.map(pathOf).join(", "))],
    ["tags", printable(task.tags.join(", "))],
    ["failed attempts", task.failures === 0 ? null : `${task.failures}${most}`],
    ["deadline", task.deadline_at],
    ["agent", `${showLabel(agentId)}, session ${showLabel(session)}`],
    ["yours until", `${lease.expires_at}; \`waybill tasks heartbeat ${task.id} --fence ${fence}\` keeps it`],
  ]);
}

export function renderHeartbeat({ lease, cancel_requested_at: cancelled }: OutputOf<"tasks.heartbeat">): string {
  const until = `yours until ${formatTime(lease.expires_at, Date.now())}`;
  return cancelled === null ? until : `${until}; somebody asked for its end: stop, and say so with \`tasks result\``;
}

/** Of a result that was recorded: how the task stands, or what it waits for now. */
export function renderRecorded({ outcome, task }: OutputOf<"tasks.result">): string {
  return `${outcome === "existing" ? "recorded before · " : ""}${renderTaskOutcome(task)}`;
}
