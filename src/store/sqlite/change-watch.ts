/**
 * Notices that something was written: by this process at once, by others through `PRAGMA data_version`, a counter in
 * shared memory whose reading costs microseconds.
 */
import { integer } from "./rows.js";
import type { Session } from "./session.js";

const POLL_MS = 50;
/**
 * A change wakes whoever calls within this time too: with several readers, the one that notices it first would
 * otherwise take the news from one that was between its reading and its waiting.
 */
const RECENT_MS = 250;

interface Waiter {
  readonly wake: () => void;
}

export class ChangeWatch {
  readonly #session: Session;
  readonly #waiters = new Set<Waiter>();
  #version: number | null = null;
  #changedAt = Number.NEGATIVE_INFINITY;
  #news = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(session: Session) {
    this.#session = session;
    session.onCommit(() => this.#changed());
  }

  /** See `EventStore.waitForChange`. */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    this.#look();
    if (this.#news || timeoutMs <= 0 || signal?.aborted === true) {
      this.#news = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", wake);
        this.#waiters.delete(waiter);
        this.#pollWhileNeeded();
        resolve();
      };
      const waiter: Waiter = { wake };
      const deadline = setTimeout(wake, timeoutMs);
      signal?.addEventListener("abort", wake, { once: true });
      this.#waiters.add(waiter);
      this.#pollWhileNeeded();
    });
  }

  /** Wakes whoever waits, and stops polling. */
  close(): void {
    for (const { wake } of [...this.#waiters]) wake();
  }

  #pollWhileNeeded(): void {
    if (this.#waiters.size > 0) {
      this.#timer ??= setInterval(() => this.#poll(), POLL_MS);
    } else if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #poll(): void {
    this.#look();
    if (performance.now() - this.#changedAt < RECENT_MS) this.#wakeAll();
  }

  #look(): void {
    let version: number;
    try {
      version = integer(this.#session.sql("PRAGMA data_version").get() ?? { data_version: 0 }, "data_version");
    } catch {
      // Locked for a moment while another process opens or closes the file: that is worth a look by itself.
      this.#changed();
      return;
    }
    if (this.#version !== null && this.#version !== version) this.#changed();
    this.#version = version;
  }

  #changed(): void {
    this.#changedAt = performance.now();
    this.#news = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    if (this.#waiters.size > 0) this.#news = false;
    for (const { wake } of [...this.#waiters]) wake();
  }
}
