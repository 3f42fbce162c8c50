/**
 * How an attempt ends, said in full by a handler that only supervises somebody else's work, such as that of `waybill
 * work`. A handler of the library's users returns a result or throws; this is not exported from the package.
 *
 *     return new Verdict({ as: "failed", error: new WaybillError("nonzero_exit", "…") }, JSON.stringify(result));
 */
import type { ReturnReason } from "../domain/attempt.js";
import type { PersonGate, TaskFailure } from "../domain/task.js";

export type VerdictEnd =
  /** The task is completed; the worker's answer is its result. */
  | { readonly as: "completed" }
  /** Another attempt by the retry policy of its definition, as if `error` had been thrown; else the task fails. */
  | { readonly as: "failed"; readonly error: unknown }
  | { readonly as: "cancelled"; readonly failure: TaskFailure }
  /** What executed it failed, not the work: a crash is counted, no failure. */
  | { readonly as: "lost"; readonly failure: TaskFailure }
  /** A person is asked. */
  | { readonly as: "waiting"; readonly for: PersonGate; readonly question: string }
  /** Nothing is counted; the task is queued again, after `delayMs` when that is not null. */
  | { readonly as: "returned"; readonly reason: ReturnReason; readonly delayMs: number | null }
  /** Somebody has ended the attempt through the store already, as a child with its fence can: there is nothing to record. */
  | { readonly as: "recorded" };

/**
 * Returned by a handler. When the attempt was interrupted meanwhile (by its time limit, a cancel, the engine's end),
 * `failed` and `lost` only tell how it went down: the interruption says how the attempt ends. All others stand.
 */
export class Verdict {
  readonly end: VerdictEnd;
  /** The worker's answer (result v2) as JSON text, kept with the attempt; null when it gave none. */
  readonly result: string | null;

  constructor(end: VerdictEnd, result: string | null = null) {
    this.end = end;
    this.result = result;
  }
}
