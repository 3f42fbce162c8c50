/** Records how attempts ended, those of one turn in one write, and does not give up while the lease is held. */
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "../domain/errors.js";
import type { TaskState } from "../domain/task.js";
import type { AttemptWrite, ClaimedTask, EndRequest } from "../store/attempt-store.js";
import type { EngineRuntime } from "./runtime.js";
import { TurnBatch } from "./turn-batch.js";

/** Between two tries to write what the store could not take; milliseconds. */
const PAUSE_MS = 250;

export class AttemptEnds {
  readonly #runtime: Pick<EngineRuntime, "store" | "log">;
  readonly #batch: TurnBatch<EndRequest, AttemptWrite<TaskState>>;

  constructor(runtime: Pick<EngineRuntime, "store" | "log">) {
    this.#runtime = runtime;
    // Quick handlers follow each other without leaving the turn: their ends go out together.
    this.#batch = new TurnBatch((ends) => runtime.store.attempts.endAttempts(ends), setImmediate);
  }

  /**
   * @param mayTry whether to try again after the store failed: an end that nobody recorded is an attempt that its engine's
   *   lease still holds, and when that is over another engine will execute the task again.
   * @returns the task's state; null when the write was refused or given up
   */
  async record(
    task: ClaimedTask,
    ended: Pick<EndRequest, "end" | "verdict">,
    mayTry: () => boolean,
  ): Promise<TaskState | null> {
    const { id: taskId, sequence, attempt, fence } = task;
    const guard = { taskId, sequence, attempt, fence };
    for (;;) {
      try {
        const answer = await this.#batch.add({ guard, ...ended });
        return answer.written ? answer.value : null;
      } catch (error) {
        const isOver = !mayTry() || (error instanceof WaybillError && error.code === "invalid_state");
        const event = isOver ? "task.end_lost" : "task.end_delayed";
        this.#runtime.log(event, { id: task.id, attempt: task.attempt, error: (error as Error).message });
        if (isOver) return null;
      }
      await pause(PAUSE_MS);
    }
  }
}
