/** How long a worker works: until it is told to stop, for one task, or until nothing is left. */
import type { Attempt } from "../../domain/attempt.js";
import { ERRORS, EXIT, WaybillError } from "../../domain/errors.js";
import type { AttemptCounts } from "../../engine/attempt-ends.js";
import type { EngineFact } from "../../engine/runtime.js";
import { countOfRecorded } from "./recorded-end.js";

export interface ShiftOptions {
  readonly once: boolean;
  readonly drain: boolean;
  /** Any of them ends it. */
  readonly signals: readonly AbortSignal[];
}

/** An attempt that was begun. */
export interface BegunAttempt {
  readonly taskId: string;
  readonly fence: number;
}

export class Shift {
  /** Resolves when nothing more is to be claimed. */
  readonly over: Promise<void>;
  /** How many attempts have begun, and the last of them. */
  started = 0;
  last: BegunAttempt | null = null;
  /** Why it cannot go on; null while nothing is wrong. */
  fault: WaybillError | null = null;
  readonly #options: ShiftOptions;
  /** By how their attempts ended: of what commands recorded by themselves, which the engine does not know. */
  readonly #recorded = { succeeded: 0, failed: 0, waiting: 0, cancelled: 0 };
  #end: () => void = () => undefined;

  constructor(options: ShiftOptions) {
    this.#options = options;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    for (const signal of options.signals) {
      if (signal.aborted) this.#end();
      else signal.addEventListener("abort", () => this.#end(), { once: true });
    }
  }

  began(attempt: BegunAttempt): void {
    this.started += 1;
    this.last = attempt;
  }

  recorded(attempt: Attempt): void {
    const counted = countOfRecorded(attempt);
    if (counted !== null) this.#recorded[counted] += 1;
  }

  /** How its attempts ended: those that the engine counted, and those that were recorded by their commands. */
  counts(counted: AttemptCounts): AttemptCounts {
    const { succeeded, failed, waiting, cancelled } = this.#recorded;
    return {
      succeeded: counted.succeeded + succeeded,
      failed: counted.failed + failed,
      waiting: counted.waiting + waiting,
      cancelled: counted.cancelled + cancelled,
      refused: counted.refused,
    };
  }

  /** A worker that cannot begin a command would give back one task after the other: it leaves. A store that is busy is another matter. */
  failed(error: unknown): void {
    if (!(error instanceof WaybillError)) throw error;
    if (ERRORS[error.code].exit === EXIT.store || error.code === "task_not_found") return;
    this.fault ??= error;
    this.#end();
  }

  /** Hears what happens in the engine. */
  saw({ kind }: Pick<EngineFact, "kind">): void {
    const { once, drain } = this.#options;
    // The one attempt is all that is claimed; it is over once its end is told, not when it has begun.
    if ((kind === "idle" && (once || drain)) || (kind === "ended" && once)) this.#end();
  }
}
