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

export class AttemptEnds {
  /** Attempts of this engine since it was started; `refused`: superseded before their end was recorded. */
  readonly counts = { succeeded: 0, failed: 0, refused: 0 };
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
    if (outcome !== null) this.#count(outcome.end, state);
    this.#tell(task, outcome?.end ?? null, state, durationMs);
    return state;
  }

  #count(end: AttemptEnd, state: TaskState | null): void {
    if (state === null) this.counts.refused += 1;
    else if (end.state === "succeeded") this.counts.succeeded += 1;
    else if (!isGivenBack(end)) this.counts.failed += 1;
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

type GivenBack = Extract<AttemptEnd, { state: "returned" | "waiting" }>;

const isGivenBack = (end: AttemptEnd): end is GivenBack => end.state === "returned" || end.state === "waiting";
