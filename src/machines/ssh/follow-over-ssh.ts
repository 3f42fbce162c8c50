/** Follows a log over a connection: the bytes as written, counted here, until the attempt has settled and all came. */
import type { AttemptKey } from "../../domain/machine.js";
import { attemptArguments } from "../attempt-name.js";
import type { AttemptReport } from "./attempt-report.js";
import { readLogOverShell } from "./remote-log.js";
import type { RemoteShell, RemoteStream } from "./remote-shell.js";

/**
 * A settled log grows no more. A stream that has brought nothing of it for this long keeps something back: what may be the
 * begin of the mark at an answer's end waits for what comes next, and nothing does. Milliseconds.
 */
const SILENT_MS = 250;

/**
 * @param settled the attempt's last report, from the machine's shared watch; it says how long the log is.
 * Rejects with the signal's reason when aborted, and with `machine_unreachable` when cut: ask again from what has come.
 * Ends early when the machine has no more of the log, as after it was collected.
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
  const args = [...attemptArguments(key), String(fromByte)];
  const call = { verb: "follow", args, deadlineMs: null, lasting: true, ...(signal && { signal }) };
  const stream = shell.open(call);
  const followed = new Followed(fromByte, stream);
  const watching = settled(either).then(
    ({ logBytes }) => followed.ends(logBytes),
    (error: unknown) => followed.fails(error),
  );
  try {
    for await (const bytes of stream.output) {
      followed.brought(bytes);
      yield bytes;
      if (followed.isOver) break;
    }
    stream.close();
    signal?.throwIfAborted();
    // There was no log yet, or no more of it: once the attempt has settled its length is known.
    await watching;
    signal?.throwIfAborted();
    if (!followed.isOver) yield* readLogOverShell(shell, key, followed.at, signal);
    followed.throwIfFailed();
  } finally {
    followed.dispose();
    over.abort();
    await watching;
  }
}

/** How far a log was followed, and where it ends; closes its stream when no more is to be expected of that. */
class Followed {
  at: number;
  readonly #stream: RemoteStream;
  #end: number | null = null;
  #failure: { readonly error: unknown } | null = null;
  #silence: NodeJS.Timeout | undefined;

  constructor(fromByte: number, stream: RemoteStream) {
    this.at = fromByte;
    this.#stream = stream;
  }

  /** All came, or nobody can tell how much there is. */
  get isOver(): boolean {
    return this.#failure !== null || (this.#end !== null && this.at >= this.#end);
  }

  brought(bytes: Uint8Array): void {
    this.at += bytes.length;
    this.#listen();
  }

  ends(logBytes: number): void {
    this.#end = logBytes;
    if (this.isOver) this.#stream.close();
    else this.#listen();
  }

  fails(error: unknown): void {
    this.#failure = { error };
    this.#stream.close();
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  dispose(): void {
    clearTimeout(this.#silence);
    this.#stream.close();
  }

  #listen(): void {
    clearTimeout(this.#silence);
    if (this.#end !== null) this.#silence = setTimeout(() => this.#stream.close(), SILENT_MS);
  }
}
