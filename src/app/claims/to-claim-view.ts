import type { ClaimView } from "../../contracts/claim-view.js";
import { toMaybeTime, toTime } from "../../contracts/fields.js";
import type { WorkerIdentity } from "../../domain/worker.js";
import type { WorkerClaim } from "../../store/worker-store.js";
import type { AppContext } from "../context.js";

type Labels = Pick<WorkerIdentity, "agentId" | "session">;

export function toClaimView({ settings }: AppContext, { task, lease }: WorkerClaim, labels: Labels): ClaimView {
  const { fence } = task;
  return {
    task: {
      id: task.id,
      type: task.type,
      params: JSON.parse(task.params) as unknown,
      tags: [...task.tags],
      paths: task.paths.map((path) => ({ ...path })),
      run: task.run,
      attempt: task.attempt,
      failures: task.failures,
      crashes: task.crashes,
      max_attempts: task.maxAttempts,
      timeout_ms: task.timeoutMs,
      deadline_at: toMaybeTime(task.deadlineAt),
      parent_id: task.parentId,
      submitted_at: toTime(task.submittedAt),
    },
    fence,
    agent_id: labels.agentId,
    session: labels.session,
    lease: { name: lease.name, expires_at: toTime(lease.expiresAt) },
    env: {
      WAYBILL_STORE: settings.storeUrl,
      WAYBILL_TASK_ID: task.id,
      WAYBILL_ATTEMPT: String(task.attempt),
      WAYBILL_FENCE: String(fence),
      WAYBILL_SCOPE: task.id,
      WAYBILL_AGENT_ID: labels.agentId,
      WAYBILL_SESSION: labels.session,
    },
  };
}
