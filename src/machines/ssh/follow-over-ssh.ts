/** Follows a log over a connection: the bytes as written, counted here, until the attempt has settled and all came. */
import type { AttemptKey } from "../../domain/machine.js";
import { attemptArguments } from "../attempt-name.js";
import type { AttemptReport } from "./attempt-report.js";
import type { RemoteShell, RemoteStream } from "./remote-shell.js";

/**
 * @param settled the attempt's last report, from the machine's shared watch; it says how long the log is.
 * Rejects with the signal's reason when aborted, and with `machine_unreachable` when cut: ask again from what has come.
 */
export async function* followOverSsh(
  shell: RemoteShell,
  key: AttemptKey,
  fromByte: number,
  settled: (signal: AbortSignal) => Promise<AttemptReport>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  let at = fromByte;
  let end: number | null = null;
  let failure: unknown;
  let stream: RemoteStream | null = null;
  const watching = settled(either).then(
    ({ logBytes }) => {
      end = logBytes;
      if (at >= logBytes) stream?.close();
    },
    (error: unknown) => {
      failure = error;
      stream?.close();
    },
  );
  const isOver = (): boolean => failure !== undefined || (end !== null && at >= end);
  try {
    while (!isOver()) {
      const args = [...attemptArguments(key), String(at)];
      stream = shell.open({ verb: "follow", args, deadlineMs: null, lasting: true, ...(signal && { signal }) });
      for await (const bytes of stream.output) {
        at += bytes.length;
        yield bytes;
        if (isOver()) break;
      }
      stream.close();
      signal?.throwIfAborted();
      // There was no log yet, or no more of it: once the attempt has settled its length is known.
      if (!isOver()) await watching;
    }
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
  } finally {
    stream?.close();
    over.abort();
    await watching;
  }
}
