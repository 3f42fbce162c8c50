import { type FileHandle, open } from "node:fs/promises";
import type { AttemptKey, MachineAnswer } from "../../domain/machine.js";
import { watchDirectory } from "./directory-watch.js";
import { observeAttempt } from "./observe-attempt.js";
import type { RunDirectory } from "./run-directory.js";

const CHUNK_BYTES = 64 * 1024;

/** States in which nothing more will be written to the log. */
const isOver = (answer: MachineAnswer): boolean =>
  answer.state === "exit" || answer.state === "lost" || answer.state === "absent" || answer.state === "busy";

/**
 * Streams the log from byte `fromByte` until the attempt has ended and all of it was read. Memory stays at one chunk,
 * since the next is read when the last was taken. Rejects with the signal's reason when aborted.
 */
export async function* followLog(
  run: RunDirectory,
  key: AttemptKey,
  fromByte: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const watcher = watchDirectory(run.path, signal);
  let file: FileHandle | null = null;
  let at = fromByte;
  try {
    while (true) {
      // Judged before reading: what is read afterwards includes all that was written before the end.
      const over = isOver(await observeAttempt(run, key));
      file ??= await openOrNull(run.log);
      while (file !== null) {
        const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
        signal?.throwIfAborted();
      }
      if (over) return;
      await watcher.changed();
    }
  } finally {
    watcher.close();
    await file?.close();
  }
}

const openOrNull = (path: string): Promise<FileHandle | null> =>
  open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
