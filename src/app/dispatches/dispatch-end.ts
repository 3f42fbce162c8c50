/** The end of a dispatch: what the worker has recorded by itself, else what it said, else how it ended. */
import { setTimeout as pause } from "node:timers/promises";
import type { OutputOf } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import type { WorkerResult } from "../../domain/result.js";
import { defaultRetryDelay } from "../../domain/retry.js";
import { plainFailure, QUARANTINE_AFTER, type Task } from "../../domain/task.js";
import { timedOut } from "../../engine/timed-out.js";
import type { AttemptEnd } from "../../store/attempt-store.js";
import { endOfResult } from "../claims/result-end.js";
import type { ChildAnswer } from "../workers/child-answer.js";
import type { Dispatch, Stop } from "./dispatch.js";
import type { DispatchClaim, Standing } from "./dispatch-claim.js";
import { viewOfAttempt } from "./dispatch-view.js";
import type { WorkerProcess } from "./worker-process.js";

type View = OutputOf<"tasks.dispatch.parent">;

/** Between two tries to write what the store could not take; milliseconds. */
const PAUSE_MS = 250;

/** Errors: `lease_lost` when the task is somebody else's by now, and the store's. */
export async function concludeDispatch(
  dispatch: Dispatch,
  claim: DispatchClaim,
  worker: WorkerProcess,
  stop: Stop | null,
): Promise<View> {
  const { store, task, workerAgentId, onStep } = dispatch;
  const answer = await worker.answer();
  onStep("dispatch.worker_ended", task.id);
  const patienceMs = dispatch.toParent().ttlMs;
  for (;;) {
    const standing = await patiently(patienceMs, () => claim.look());
    if (standing.kind !== "held") return await viewOfOther(dispatch, standing);
    if (claim.isWorkers) {
      // Refused, it is not the worker's any more: the next look tells whose it is.
      await patiently(patienceMs, () => claim.takeBack(dispatch.toParent()));
      onStep("dispatch.taken_back", task.id);
      continue;
    }
    const { end, verdict } = endOf(answer, stop, standing.task, dispatch);
    const request = { guard: claim.guard, end, verdict: verdict === null ? null : JSON.stringify(verdict) };
    const [written] = await patiently(patienceMs, () => store.attempts.endAttempts([request]));
    if (written?.written !== true) continue;
    onStep("dispatch.recorded", task.id);
    const { source } = answer;
    const doubt = "doubt" in answer ? answer.doubt : undefined;
    return await viewOfAttempt(store, { taskId: task.id, fence: claim.guard.fence, workerAgentId, source, doubt });
  }
}

async function viewOfOther(
  { store, task: { id: taskId }, workerAgentId }: Dispatch,
  standing: Exclude<Standing, { kind: "held" }>,
): Promise<View> {
  if (standing.kind === "answered") {
    return await viewOfAttempt(store, { taskId, fence: standing.attempt.fence, workerAgentId, source: "store" });
  }
  throw new WaybillError("lease_lost", `Task ${taskId} was taken from this dispatch; its worker was ended.`, {
    hint: `\`waybill tasks show ${taskId}\` says who has it, or what came of it.`,
    details: { id: taskId },
  });
}

/** What a worker has done is worth a while of a busy store: as long as its claim would last without a sign of life. */
async function patiently<T>(patienceMs: number, act: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const again = error instanceof WaybillError && error.retryable && performance.now() < until;
      if (!again) throw error;
      await pause(PAUSE_MS);
    }
  }
}

interface Ended {
  readonly end: AttemptEnd;
  /** Kept with the attempt, whatever ended it; null when the worker has said nothing. */
  readonly verdict: WorkerResult | null;
}

/** What a worker that was told to end brings about in spite of that. */
const COUNTS_WHEN_STOPPED: readonly WorkerResult["kind"][] = ["success", "fork", "needs_input"];

function endOf(answer: ChildAnswer, stop: Stop | null, task: Task, dispatch: Dispatch): Ended {
  if ("unreadable" in answer && stop === null) {
    const failure = plainFailure("invalid_result", answer.unreadable);
    // What writes no results now writes none in another attempt: as `waybill work` has it.
    return { end: { state: "failed", failure, retryMs: null }, verdict: null };
  }
  const result = "result" in answer ? answer.result : null;
  const again = defaultRetryDelay(task, Math.random());
  const counts = result !== null && (stop === null || COUNTS_WHEN_STOPPED.includes(result.kind));
  if (!counts) return { end: endOfStop(stop ?? "lost", dispatch.timeoutMs, again), verdict: result };
  const end = endOfResult(result, task, dispatch.workerAgentId, Math.random());
  if (end.state !== "failed" || answer.source !== "exit") return { end, verdict: result };
  return { end: { ...end, failure: plainFailure("nonzero_exit", result.summary) }, verdict: result };
}

function endOfStop(stop: Stop, timeoutMs: number | null, again: number | null): AttemptEnd {
  switch (stop) {
    case "timeout":
    case "deadline":
      return timedOut(stop, timeoutMs, again);
    case "cancel":
      return { state: "cancelled", failure: plainFailure("cancelled", "It was asked to end while it ran.") };
    case "leave":
      return { state: "returned", reason: "released", delayMs: null };
    case "lost": {
      const failure = plainFailure("lost", "What looked after its worker was killed, and the worker with it.");
      return { state: "lost", failure, quarantineAfter: QUARANTINE_AFTER };
    }
  }
}
