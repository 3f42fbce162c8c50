/** Writes what a command says to the log of its task, a batch at a time, for as long as the attempt is the running one. */
import { setImmediate as turn } from "node:timers/promises";
import type { Log } from "../../observe/log.js";
import type { Store } from "../../store/store.js";

export interface AttemptLogOptions {
  readonly store: Pick<Store, "workers" | "steps">;
  readonly taskId: string;
  readonly fence: number;
  readonly log: Log;
}

export class AttemptLog {
  readonly #options: AttemptLogOptions;
  #lines: string[] = [];
  #writing: Promise<void> | null = null;

  constructor(options: AttemptLogOptions) {
    this.#options = options;
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when every line is written, or was nobody's to write any more. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    await turn();
    while (this.#lines.length > 0) {
      const lines = this.#lines.splice(0);
      try {
        await this.#append(lines);
      } catch (error) {
        // A line is not worth an attempt: what the store could not take is told to whoever looks on.
        this.#options.log("task.log_failed", { id: this.#options.taskId, error: (error as Error).message });
      }
    }
  }

  /**
   * Looks before it writes: a command that has recorded its result by itself, or whose task is somebody else's, may go on
   * talking for a while, and does no wrong with it that should be refused and counted.
   */
  async #append(lines: readonly string[]): Promise<void> {
    const { store, taskId, fence } = this.#options;
    const guard = await store.workers.findGuard(taskId, fence);
    if (guard !== null) await store.steps.appendTaskLog(guard, lines);
  }
}
