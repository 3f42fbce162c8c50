/** `tasks heartbeat` and `tasks progress`: what a worker says while it works. */
import { durationMs, toMaybeTime, toTime } from "../../contracts/fields.js";
import { toJson } from "../../engine/submission.js";
import type { CallHandler } from "../context.js";
import { mustBeWritten, ownAttempt, readAgain } from "./own-attempt.js";

export const heartbeatTask: CallHandler<"tasks.heartbeat"> = async (context, input) => {
  const { store, guard } = await ownAttempt(context, input);
  const { taskId, fence } = guard;
  const beat = { taskId, fence, ttlMs: durationMs(input.lease) ?? 0 };
  const lease = mustBeWritten(guard, await store.workers.heartbeat(beat));
  // Read after it, so that a wish that was stated before is told now and not with the next.
  const { cancelRequestedAt } = await readAgain(store, taskId);
  return {
    task_id: taskId,
    fence,
    lease: { name: lease.name, expires_at: toTime(lease.expiresAt) },
    cancel_requested_at: toMaybeTime(cancelRequestedAt),
  };
};

export const reportProgress: CallHandler<"tasks.progress"> = async (context, input) => {
  const { store, guard } = await ownAttempt(context, input);
  const progress = toJson(input.progress, "The progress", "invalid_input");
  mustBeWritten(guard, await store.steps.recordProgress(guard, progress));
  return { task_id: guard.taskId, progress: input.progress };
};
