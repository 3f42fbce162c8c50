/** The only place that writes to the terminal. Waits for a slow reader, and takes a closed pipe as "enough". */

import { isDiskFull } from "../../domain/disk-full.js";
import { WaybillError } from "../../domain/errors.js";

export interface Printer {
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Aborted when the reader of stdout or stderr has gone: whatever only shows something may stop. */
  readonly closed: AbortSignal;
  /** Writes to stdout as it is. Errors of this and `line`: `disk_full`, and `internal` for another failure to write. */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes a line to stdout. */
  line(text: string): Promise<void>;
  /** Writes to stderr: notes, progress, errors; stdout stays clean for data. */
  note(text: string): void;
  noteBytes(bytes: Uint8Array): Promise<void>;
  /** Resolves when all of stdout is written, by whomever; the errors of `write`. */
  settle(): Promise<void>;
}

export function createPrinter(): Printer {
  const closed = new AbortController();
  let failure: WaybillError | null = null;
  const failed = (stream: NodeJS.WriteStream, error: NodeJS.ErrnoException): void => {
    // `waybill runs logs ID | head` closes the pipe when it has seen enough: nothing is wrong.
    if (error.code === "EPIPE") closed.abort();
    // What stderr does not take can be told nowhere, and the work does not depend on it.
    else if (stream === process.stdout) failure ??= toFailure(error);
  };
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => failed(stream, error));
  }
  const send = async (stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> => {
    if (closed.signal.aborted) return;
    const error = await written(stream, data);
    if (error) failed(stream, error);
  };
  const print = async (data: string | Uint8Array): Promise<void> => {
    if (failure === null) await send(process.stdout, data);
    if (failure !== null) throw failure;
  };
  return {
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 100,
    closed: closed.signal,
    write: (data) => print(data),
    line: (text) => print(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    noteBytes: (bytes) => send(process.stderr, bytes),
    settle: () => print(""),
  };
}

function toFailure({ code, message }: NodeJS.ErrnoException): WaybillError {
  const full = isDiskFull(code) || code === "EFBIG";
  return new WaybillError(full ? "disk_full" : "internal", `The output could not be written: ${message}.`, {
    hint: full ? "Make room where stdout goes, and ask again." : "Look at where stdout goes, and ask again.",
    details: { stream: "stdout", errno: code ?? null },
  });
}

/** Resolves when the stream has taken the data, with the error if it did not. */
const written = (stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<Error | null | undefined> =>
  new Promise((resolve) => stream.write(data, resolve));
