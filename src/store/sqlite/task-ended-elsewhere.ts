/** Tasks that were over before they came here: recorded as they ended, and never executed. */
import type { EndedElsewhere } from "../task-store.js";
import { appendEvent } from "./event-log.js";
import type { SqlScope } from "./session.js";
import { afterEnd, endWaitingTask } from "./task-gates.js";
import type { TaskRow } from "./task-rows.js";

const COMPLETE = `
  UPDATE tasks SET state = 'completed', gate = 'open', run_at = NULL, ended_at = $now, result = $result
  WHERE seq = $seq`;

/** To be called inside the write that records the task, which waits until then. */
export function endAsElsewhere(scope: SqlScope, row: TaskRow, ended: EndedElsewhere): void {
  if (ended.state === "cancelled") {
    endWaitingTask(scope, row, "cancelled", ended.failure);
    return;
  }
  const { state, result } = ended;
  scope.sql(COMPLETE).run({ seq: row.seq, now: scope.now(), result });
  appendEvent(scope, { type: "task.finished", subject: row.id, data: { state } });
  afterEnd(scope, row, state);
}
