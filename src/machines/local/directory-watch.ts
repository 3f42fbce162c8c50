/** Tells when something in a directory may have changed, without busy waiting. */
import { type FSWatcher, watch } from "node:fs";

/** The longest wait between two looks: what no file system event tells (a killed process) is found within it. */
const POLL_MS = 500;

export interface DirectoryWatch {
  /** Resolves when something changed since the last call, or after `POLL_MS`; rejects when `signal` aborts. */
  changed(): Promise<void>;
  close(): void;
}

/** Watches `path`. Where the system cannot (no directory, no watches left, a network file system) polling remains. */
export function watchDirectory(path: string, signal?: AbortSignal): DirectoryWatch {
  let dirty = false;
  let wake: (() => void) | null = null;
  const notice = (): void => {
    dirty = true;
    wake?.();
  };
  const watcher = openWatcher(path, notice);
  const changed = async (): Promise<void> => {
    signal?.throwIfAborted();
    if (!dirty) await sleepUntilWoken();
    dirty = false;
    signal?.throwIfAborted();
  };
  const sleepUntilWoken = (): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        wake = null;
        resolve();
      };
      const timer = setTimeout(done, POLL_MS);
      signal?.addEventListener("abort", done, { once: true });
      wake = done;
    });
  return { changed, close: () => watcher?.close() };
}

function openWatcher(path: string, notice: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: true }, notice);
    // A watch can end at any time (its directory removed, its limit reached); the poll carries on.
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    // Nothing to watch, or no watches left on this system: the poll alone is correct, only slower.
    return null;
  }
}
