/**
 * Calls its listeners when something has happened in the store, whoever did it; it looks only while somebody listens.
 *
 * What happens is in the feed. A write that leaves no event there, such as the renewal of a lease, calls nobody: among
 * many engines on one file each would otherwise have all others look for work.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../observe/log.js";
import type { EventStore } from "../store/event-store.js";

/** Changes are gathered for this long, so that a busy store costs its listeners little; milliseconds. */
const GATHER_MS = 5;
/** A look without any change, should a hint be lost. */
const LONGEST_MS = 1_000;
/** After a store that could not be read. */
const PAUSE_MS = 100;

export class ChangeLoop {
  readonly #events: Pick<EventStore, "waitForChange" | "lastSequence">;
  readonly #log: Log;
  readonly #listeners = new Set<() => Promise<void>>();
  #stop: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(events: Pick<EventStore, "waitForChange" | "lastSequence">, log: Log) {
    this.#events = events;
    this.#log = log;
  }

  /** @returns how to stop listening. */
  listen(listener: () => Promise<void>): () => void {
    this.#listeners.add(listener);
    if (this.#stop === null) {
      const stop = new AbortController();
      this.#stop = stop;
      this.#running = this.#running.then(() => this.#run(stop.signal));
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.abort();
      this.#stop = null;
    };
  }

  /** Resolves when nothing looks at the store any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let seen: number | null = null;
    let lookedAt = performance.now();
    while (!signal.aborted) {
      try {
        await this.#events.waitForChange(LONGEST_MS, signal);
        if (signal.aborted) return;
        const newest = await this.#events.lastSequence();
        if (newest !== seen || performance.now() - lookedAt >= LONGEST_MS) {
          seen = newest;
          lookedAt = performance.now();
          await Promise.all([...this.#listeners].map((listener) => listener()));
        }
        await pause(GATHER_MS);
      } catch (error) {
        this.#log("engine.look_failed", { error: (error as Error).message });
        await pause(PAUSE_MS);
      }
    }
  }
}
