/** Taking a running task from its owner, on somebody's word. */

import { WaybillError } from "../../domain/errors.js";
import { type Lease, pidOf } from "../../domain/lease.js";
import type { TaskState } from "../../domain/task.js";
import { showLabel } from "../../domain/worker.js";
import { type Granted, granted, refused } from "../granted.js";
import type { Reclaim } from "../worker-store.js";
import { appendEvent } from "./event-log.js";
import type { SqlScope } from "./session.js";
import { leaveOwner } from "./task-hand-off.js";
import { cancelledBy, moveOn, NOTHING_COUNTED, recordAttempt } from "./task-moves.js";
import { insertNote } from "./task-notes.js";
import { readTaskRow, type TaskRow } from "./task-rows.js";
import { leaseOfOwner, readWorkers } from "./worker-records.js";

/** See `WorkerStore.reclaim`. To be called inside a write. */
export function reclaim(scope: SqlScope, request: Reclaim): Granted<TaskState> {
  const { taskId: id, by, reason, force } = request;
  const row = readTaskRow(scope, id);
  if (row === null) return refused(new WaybillError("task_not_found", `There is no task ${id}.`, { details: { id } }));
  if (row.owner === null) return refused(notRunning(row));
  const live = liveLease(scope, row.owner, request);
  if (live !== null && !force) return refused(ownerLives(scope, row, live));
  recordAttempt(scope, row, { state: "cancelled", failure: null, returned: "reclaimed" });
  const { attempt, fence } = row;
  const data = { attempt, fence, by, reason, live: live !== null };
  appendEvent(scope, { type: "task.reclaimed", subject: id, data });
  insertNote(scope, row, { author: by, kind: "notice", text: `Reclaimed: ${reason}` });
  const asked = row.cancel_requested_at !== null;
  const next = asked
    ? ({ state: "cancelled", failure: cancelledBy(row) } as const)
    : ({ state: "waiting", delayMs: null, failure: null } as const);
  const state = moveOn(scope, row, next, NOTHING_COUNTED, "returned");
  leaveOwner(scope, row);
  return granted(state);
}

/** The lease of an owner that has to be taken for alive. */
function liveLease(scope: SqlScope, owner: number, { provedDeadOwner }: Reclaim): Lease | null {
  const lease = owner === provedDeadOwner ? null : leaseOfOwner(scope, owner);
  return lease !== null && lease.expiresAt > scope.now() ? lease : null;
}

const notRunning = (row: TaskRow): WaybillError =>
  new WaybillError("invalid_state", `Task ${row.id} is ${row.state}; only a running one can be reclaimed.`, {
    details: { id: row.id, state: row.state },
  });

function ownerLives(scope: SqlScope, row: TaskRow, lease: Lease): WaybillError {
  const worker = readWorkers(scope, [lease.fence]).get(lease.fence) ?? null;
  const agentId = worker?.agentId ?? null;
  const { holder, expiresAt } = lease;
  const pid = worker === null ? pidOf(holder) : worker.pid;
  const where = pid === null ? holder.host : `process ${pid} of ${holder.host}`;
  const who = agentId === null ? `An engine, ${where},` : `${showLabel(agentId)} (${where})`;
  return new WaybillError("worker_live", `${who} executes task ${row.id} and its lease is live.`, {
    hint: "Wait until it has ended, ask it to end with `waybill tasks cancel`, or take the task from it with --force.",
    details: {
      id: row.id,
      owner: lease.fence,
      agent_id: agentId,
      host: holder.host,
      pid,
      expires_at: expiresAt,
    },
  });
}
