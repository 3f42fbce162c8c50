/** Records how attempts ended, those of one turn in one write, does not give up while the lease is held, and counts them. */
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "../domain/errors.js";
import type { TaskState } from "../domain/task.js";
import type { AttemptEnd, AttemptWrite, ClaimedTask, EndRequest } from "../store/attempt-store.js";
import type { AttemptOutcome } from "./attempt-run.js";
import type { EngineRuntime } from "./runtime.js";
import { TurnBatch } from "./turn-batch.js";

/** Between two tries to write what the store could not take; milliseconds. */
const PAUSE_MS = 250;

/** How many attempts ended how. */
export interface AttemptCounts {
  succeeded: number;
  /** Also those that took too long or whose substrate failed. */
  failed: number;
  /** Their tasks wait for a person: for an answer, or for a review. */
  waiting: number;
  cancelled: number;
  /** Their ends came too late: they were superseded before. */
  refused: number;
}

export class AttemptEnds {
  /** Attempts of this engine since it was started, by their ends; what was given back is in none of them. */
  readonly counts: AttemptCounts = { succeeded: 0, failed: 0, waiting: 0, cancelled: 0, refused: 0 };
  /** Whether what the store could not take is tried again. */
  patient = true;
  readonly #runtime: Pick<EngineRuntime, "store" | "log" | "observe">;
  readonly #batch: TurnBatch<EndRequest, AttemptWrite<TaskState>>;

  #unrecorded = 0;

  constructor(runtime: Pick<EngineRuntime, "store" | "log" | "observe">) {
    this.#runtime = runtime;
    // Quick handlers follow each other without leaving the turn: their ends go out together.
    this.#batch = new TurnBatch((ends) => runtime.store.attempts.endAttempts(ends), setImmediate);
  }

  /** Attempts that are over and not recorded yet. */
  get unrecorded(): number {
    return this.#unrecorded;
  }

  /** Records what came of an attempt, if that is not done already, and tells whoever observes. See `record`. */
  async settle(
    task: ClaimedTask,
    outcome: AttemptOutcome,
    durationMs: number,
    mayTry: () => boolean,
  ): Promise<TaskState | null> {
    this.#unrecorded += 1;
    const state = outcome && (await this.record(task, outcome, mayTry));
    this.#unrecorded -= 1;
    const counted = outcome === null ? null : countOf(outcome.end, state);
    if (counted !== null) this.counts[counted] += 1;
    this.#tell(task, outcome?.end ?? null, state, durationMs);
    return state;
  }

  /** @param end null when somebody else has ended the attempt */
  #tell({ type }: ClaimedTask, end: AttemptEnd | null, task: TaskState | null, durationMs: number): void {
    const attempt = end === null || isGivenBack(end) ? "cancelled" : end.state;
    const errorCode = end !== null && "failure" in end ? end.failure.code : null;
    this.#runtime.observe({ kind: "ended", type, attempt, task, errorCode, durationMs });
  }

  /**
   * @param mayTry whether to try again after the store failed: an end that nobody recorded is an attempt that its engine's
   *   lease still holds, and when that is over another engine will execute the task again.
   * @returns the task's state; null when the write was refused or given up
   */
  async record(
    task: ClaimedTask,
    ended: NonNullable<AttemptOutcome>,
    mayTry: () => boolean,
  ): Promise<TaskState | null> {
    const { id: taskId, sequence, attempt, fence } = task;
    const guard = { taskId, sequence, attempt, fence };
    for (;;) {
      try {
        const answer = await this.#batch.add({ guard, ...ended });
        return answer.written ? answer.value : null;
      } catch (error) {
        const isOver = !(this.patient && mayTry()) || (error instanceof WaybillError && error.code === "invalid_state");
        const event = isOver ? "task.end_lost" : "task.end_delayed";
        this.#runtime.log(event, { id: task.id, attempt: task.attempt, error: (error as Error).message });
        if (isOver) return null;
      }
      await pause(PAUSE_MS);
    }
  }
}

/** Null for what was given back. A question that nobody asks any more, since the task is to end, is a cancellation. */
function countOf(end: AttemptEnd, task: TaskState | null): keyof AttemptCounts | null {
  if (task === null) return "refused";
  switch (end.state) {
    case "succeeded":
    case "cancelled":
      return end.state;
    case "waiting":
      return task === "cancelled" ? "cancelled" : "waiting";
    case "returned":
      return null;
    case "failed":
    case "timed_out":
    case "lost":
      return "failed";
  }
}

type GivenBack = Extract<AttemptEnd, { state: "returned" | "waiting" }>;

const isGivenBack = (end: AttemptEnd): end is GivenBack => end.state === "returned" || end.state === "waiting";
