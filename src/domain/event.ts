/** The feed of what happened: written in the transaction of the change, read by cursor, never altered. */

export const EVENT_TYPES = [
  "run.created",
  "run.placed",
  "run.started",
  "run.attempt_ended",
  "run.cancel_requested",
  "run.unreachable",
  "run.reachable",
  "run.moved",
  "run.original_returned",
  "run.finished",
  "run.artifacts_collected",
  "run.artifacts_failed",
  "run.removed",
  "batch.created",
  "batch.item_dispatched",
  "batch.item_skipped",
  "batch.cancel_requested",
  "machine.reachable",
  "machine.unreachable",
  "machine.drained",
  "machine.undrained",
  "task.submitted",
  "task.queued",
  "task.started",
  "task.attempt_ended",
  "task.cancel_requested",
  "task.handed_off",
  "task.reclaimed",
  "task.answered",
  "task.noted",
  "task.linked",
  "task.unlinked",
  "task.finished",
  "task.removed",
  "queue.paused",
  "queue.resumed",
  "lease.acquired",
  "lease.released",
  "readiness.held",
  "readiness.released",
  "write.refused",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface WaybillEvent {
  /** Grows by at least one from event to event; the cursor of every reader. */
  readonly sequence: number;
  readonly at: number;
  readonly type: EventType;
  /** The run, batch, task, queue or gate it is about, or the name of the lease or the machine. */
  readonly subject: string;
  readonly batchId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}
