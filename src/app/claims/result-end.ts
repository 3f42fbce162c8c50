/** What the answer of a worker that nobody supervises makes of its attempt. */
import { describeLoss, judgeResult, type WorkerResult } from "../../domain/result.js";
import { defaultRetryDelay } from "../../domain/retry.js";
import { plainFailure, QUARANTINE_AFTER, type Task } from "../../domain/task.js";
import type { AttemptEnd } from "../../store/attempt-store.js";

type Tried = Pick<Task, "failures" | "maxAttempts">;

/**
 * @param author who asks, when it is a question for a person
 * @param random in [0, 1), for the delay before another try
 */
export function endOfResult(result: WorkerResult, task: Tried, author: string, random: number): AttemptEnd {
  const { summary } = result;
  switch (judgeResult(result)) {
    case "complete":
      return { state: "succeeded", result: JSON.stringify(result) };
    case "review":
      return { state: "waiting", for: "review", question: summary, author };
    case "answer":
      return { state: "waiting", for: "answer", question: summary, author };
    case "again":
      return {
        state: "failed",
        failure: plainFailure("task_failed", summary),
        retryMs: defaultRetryDelay(task, random),
      };
    case "lost":
      return { state: "lost", failure: plainFailure("lost", describeLoss(result)), quarantineAfter: QUARANTINE_AFTER };
    case "cancel":
      return { state: "cancelled", failure: plainFailure("cancelled", summary) };
  }
}
