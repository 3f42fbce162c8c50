/** Giving a running task to another worker, in one write. */

import { WaybillError } from "../../domain/errors.js";
import type { Lease } from "../../domain/lease.js";
import { showLabel } from "../../domain/worker.js";
import { type Granted, granted, refused } from "../granted.js";
import type { HandOff, WorkerClaim } from "../worker-store.js";
import { nextOf } from "./counters.js";
import { appendEvent } from "./event-log.js";
import { signalOwner, vacateClaim } from "./owners.js";
import { readPaths } from "./path-places.js";
import type { SqlScope } from "./session.js";
import { claimedFrom, REMEMBER_WORKER } from "./task-claim.js";
import { guarded, refuseWrite } from "./task-ends.js";
import { forgetSignal, recordAttempt } from "./task-moves.js";
import { insertNote } from "./task-notes.js";
import { holdersInTheWay, refusePaths, takePaths } from "./task-paths.js";
import type { TaskRow } from "./task-rows.js";
import { enrolWorker, limitLease } from "./worker-records.js";

/** It never stops running: nothing that hangs on its end is set free. */
export const PASS_ON = `
  UPDATE tasks SET attempt = attempt + 1, fence = $fence, owner = $owner, started_at = $now, begun = 1
  WHERE seq = $seq AND state = 'running'`;

/** See `WorkerStore.handOff`. To be called inside a write. */
export function handOff(scope: SqlScope, request: HandOff): Granted<WorkerClaim> {
  const { guard, to, by, reason, addPaths = [] } = request;
  const row = guarded(scope, guard);
  if (row === null) {
    refuseWrite(scope, guard, "hand_off");
    return refused(superseded(request));
  }
  const holders = holdersInTheWay(scope, row, addPaths);
  if (holders.length > 0) return refused(refusePaths(to.agentId, holders));
  takePaths(scope, row.seq, addPaths);
  recordAttempt(scope, row, { state: "cancelled", failure: null, returned: "handed_off" });
  const { attempt, fence } = row;
  const data = { attempt, fence, by, reason, to: to.agentId };
  appendEvent(scope, { type: "task.handed_off", subject: row.id, data });
  if (reason !== null)
    insertNote(scope, row, { author: by, kind: "notice", text: `Handed to ${showLabel(to.agentId)}: ${reason}` });
  leaveOwner(scope, row);
  const lease = enrolWorker(scope, to);
  const task = passOn(scope, row, lease);
  return granted({ task, lease: limitLease(scope, to, lease, task) });
}

const superseded = ({ guard: { taskId, attempt, fence } }: HandOff): WaybillError =>
  new WaybillError(
    "stale_write",
    `Attempt ${attempt} of task ${taskId} is not the running one; nothing was handed off.`,
    {
      hint: "Somebody else has the task, or it has ended.",
      details: { id: taskId, attempt, fence },
    },
  );

/** A claim's lease goes with its attempt; any other owner has more to do, and is told that this is its own no longer. */
export function leaveOwner(scope: SqlScope, row: TaskRow): void {
  forgetSignal(scope, row.fence);
  if (!vacateClaim(scope, row)) signalOwner(scope, row, "superseded");
}

function passOn(scope: SqlScope, row: TaskRow, lease: Lease): WorkerClaim["task"] {
  const { seq } = row;
  const owner = lease.fence;
  const fence = nextOf(scope, "fence");
  scope.sql(PASS_ON).run({ seq, fence, owner, now: scope.now() });
  scope.sql(REMEMBER_WORKER).run({ owner, taken: JSON.stringify([seq]) });
  // A wish to cancel goes with the task.
  if (row.cancel_requested_at !== null) signalOwner(scope, { owner, fence }, "cancel");
  const task = { ...claimedFrom(scope, row, fence), paths: readPaths(scope, seq) };
  appendEvent(scope, { type: "task.started", subject: row.id, data: { attempt: task.attempt, fence, owner } });
  return task;
}
