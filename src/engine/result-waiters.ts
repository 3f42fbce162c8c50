/** Those who wait for tasks to end: told at once by their own engine, found by looking when another ended it. */
import type { TaskStore } from "../store/task-store.js";

/** How many ids one look asks about. */
const AT_ONCE = 500;

type Wake = () => void;

export class ResultWaiters {
  readonly #tasks: Pick<TaskStore, "endedAmong">;
  readonly #waiting = new Map<string, Set<Wake>>();

  constructor(tasks: Pick<TaskStore, "endedAmong">) {
    this.#tasks = tasks;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when somebody found that the task has ended; a hint to look. Rejects with the signal's reason. */
  wait(id: string, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#forget(id, wake);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      const known = this.#waiting.get(id);
      if (known === undefined) this.#waiting.set(id, new Set([wake]));
      else known.add(wake);
    });
  }

  ended(id: string): void {
    const wakes = this.#waiting.get(id);
    if (wakes === undefined) return;
    this.#waiting.delete(id);
    for (const wake of wakes) wake();
  }

  /** Looks which of those that are waited for have ended. */
  async look(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      for (const id of await this.#tasks.endedAmong(ids.slice(at, at + AT_ONCE))) this.ended(id);
    }
  }

  /** Wakes everybody, who then look for themselves. */
  close(): void {
    for (const id of [...this.#waiting.keys()]) this.ended(id);
  }

  #forget(id: string, wake: Wake): void {
    const wakes = this.#waiting.get(id);
    wakes?.delete(wake);
    if (wakes?.size === 0) this.#waiting.delete(id);
  }
}
