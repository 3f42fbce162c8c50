/** How an attempt ended in the store before its worker could say so: by its own command, which may know its fence, or by others. */
import type { Attempt } from "../../domain/attempt.js";
import type { AttemptCounts } from "../../engine/attempt-ends.js";
import type { Store } from "../../store/store.js";

/** `removed` with its task; `taken` by others after its owner seemed dead: that our end comes too late is to be counted. */
export type RecordedEnd = Attempt | "removed" | "taken";

/** Null while it runs, and when that cannot be read: it is found out then when the end is written, which is tried until it can be. */
export async function recordedEnd(store: Store, taskId: string, fence: number): Promise<RecordedEnd | null> {
  try {
    if ((await store.workers.findGuard(taskId, fence)) !== null) return null;
    const attempts = await store.attempts.listAttempts(taskId);
    const own = attempts.find((attempt) => attempt.fence === fence);
    if (own === undefined) return "removed";
    // A command that says what its infrastructure did to it ends as lost, too, and leaves its answer.
    return own.state === "lost" && own.result === null ? "taken" : own;
  } catch {
    return null;
  }
}

/** As what an engine counts it; null for what was given back. */
export function countOfRecorded({ state, returned }: Attempt): Exclude<keyof AttemptCounts, "refused"> | null {
  if (returned !== null) return returned === "needs_input" || returned === "review" ? "waiting" : null;
  switch (state) {
    case "succeeded":
    case "cancelled":
      return state;
    case "failed":
    case "timed_out":
    case "lost":
      return "failed";
    case "running":
      return null;
  }
}
