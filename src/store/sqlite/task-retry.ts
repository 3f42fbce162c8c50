/** Trying again what has ended: the task's next run. */
import { appendEvent } from "./event-log.js";
import type { SqlScope } from "./session.js";
import { gateOfKey } from "./task-gates.js";
import type { TaskRow } from "./task-rows.js";

/** What it depended on has had its say: an explicit retry does not wait for it again. */
const AGAIN = `
  UPDATE tasks SET state = 'queued', gate = $gate, run = run + 1, failures = 0, crashes = 0, suspect = 0, begun = 0,
    started_at = NULL, ended_at = NULL, deadline_at = CASE WHEN deadline_at <= $now THEN NULL ELSE deadline_at END,
    cancel_requested_at = NULL, rate_reserved = 0, error_code = NULL, error_name = NULL, error_message = NULL,
    progress = NULL, result = NULL, question = NULL
  WHERE seq = $seq`;

/** Queues a task that has failed or was cancelled; false for any other. To be called inside a write. */
export function retryEnded(scope: SqlScope, row: TaskRow): boolean {
  if (row.state !== "failed" && row.state !== "cancelled") return false;
  scope.sql("UPDATE task_dependencies SET resolved = 1 WHERE seq = $seq AND resolved = 0").run({ seq: row.seq });
  scope.sql(AGAIN).run({ seq: row.seq, gate: gateOfKey(scope, row), now: scope.now() });
  appendEvent(scope, { type: "task.queued", subject: row.id, data: { why: "retry", run: row.run + 1 } });
  return true;
}
