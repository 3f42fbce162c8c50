/** Records how attempts ended, those of one turn in one write, does not give up while the lease is held, and counts them. */
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "../domain/errors.js";
import { plainFailure, type TaskState } from "../domain/task.js";
import type { AttemptEnd, AttemptWrite, ClaimedTask, EndRequest } from "../store/attempt-store.js";
import type { AttemptOutcome } from "./attempt-run.js";
import { isRefusal } from "./refusal.js";
import type { EngineRuntime } from "./runtime.js";
import { shownOf } from "./shown.js";
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

/** An end as the store has it. */
interface Recorded {
  /** Another than the attempt's own when the store could not take that one. */
  readonly end: AttemptEnd;
  /** What became of the task; null when the write was refused, or given up. */
  readonly task: TaskState | null;
}

export class AttemptEnds {
  /** Attempts of this engine since it was started, by their ends; what was given back is in none of them. */
  readonly counts: AttemptCounts = { succeeded: 0, failed: 0, waiting: 0, cancelled: 0, refused: 0 };
  /** Whether what the store could not take is tried again. */
  patient = true;
  readonly #runtime: Pick<EngineRuntime, "store" | "log" | "observe">;
  readonly #batch: TurnBatch<EndRequest, AttemptWrite<TaskState>>;

  /** Ends that nobody has recorded: their tasks run, for whoever looks, as long as the lease that they began under. */
  givenUp = 0;
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
    const recorded = outcome && (await this.record(task, outcome, mayTry));
    this.#unrecorded -= 1;
    const { end = null, task: state = null } = recorded ?? {};
    const counted = end === null ? null : countOf(end, state);
    if (counted !== null) this.counts[counted] += 1;
    this.#tell(task, end, state, durationMs);
    return state;
  }

  /** @param end null when somebody else has ended the attempt */
  #tell({ type }: ClaimedTask, end: AttemptEnd | null, task: TaskState | null, durationMs: number): void {
    const attempt = end === null || isGivenBack(end) ? "cancelled" : end.state;
    const errorCode = end !== null && "failure" in end ? end.failure.code : null;
    this.#runtime.observe({ kind: "ended", type, attempt, task, errorCode, durationMs });
  }

  /**
   * Records an end. One that the store cannot take for good is recorded as a failure that says so: nobody else's waits for it.
   *
   * @param mayTry whether to try again after the store failed: an end that nobody recorded is an attempt that its engine's
   *   lease still holds, and when that is over another engine will execute the task again.
   */
  async record(task: ClaimedTask, ended: NonNullable<AttemptOutcome>, mayTry: () => boolean): Promise<Recorded> {
    const { id, sequence, attempt, fence } = task;
    const guard = { taskId: id, sequence, attempt, fence };
    for (let outcome = ended; ; ) {
      try {
        const answer = await this.#batch.add({ guard, ...outcome });
        return { end: outcome.end, task: answer.written ? answer.value : null };
      } catch (error) {
        const next = this.#after(error, outcome === ended, mayTry);
        this.#runtime.log(`task.end_${next}`, { id, attempt, error: shownOf(() => (error as Error).message) });
        if (next === "lost") {
          this.givenUp += 1;
          return { end: outcome.end, task: null };
        }
        if (next === "refused") outcome = { end: refusedEnd(ended.end, error) };
        else await pause(PAUSE_MS);
      }
    }
  }

  /** What follows when the store did not take an end: it waits, another is tried, or it is given up. */
  #after(error: unknown, isOwn: boolean, mayTry: () => boolean): "delayed" | "refused" | "lost" {
    const isClosed = error instanceof WaybillError && error.code === "invalid_state";
    if (isClosed || !(this.patient && mayTry())) return "lost";
    if (!isRefusal(error)) return "delayed";
    return isOwn ? "refused" : "lost";
  }
}

/** The end of an attempt of which the own end could not be stored; the task is not tried again, since it would end so again. */
function refusedEnd({ state }: AttemptEnd, error: unknown): AttemptEnd {
  const said = shownOf(() => (error as Error).message);
  const failure = plainFailure("internal", `The attempt's end ("${state}") could not be stored: ${said}`);
  return { state: "failed", failure, retryMs: null };
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
