/** The only place that writes to the terminal. Waits for a slow reader, and takes a closed pipe as "enough". */
import { once } from "node:events";

export interface Printer {
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Writes to stdout as it is. */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes a line to stdout. */
  line(text: string): Promise<void>;
  /** Writes to stderr: notes, progress, errors; stdout stays clean for data. */
  note(text: string): void;
  noteBytes(bytes: Uint8Array): Promise<void>;
}

export function createPrinter(): Printer {
  let closed = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // `waybill runs logs ID | head` closes the pipe when it has seen enough: nothing is wrong.
      if (error.code !== "EPIPE") throw error;
      closed = true;
    });
  }
  const send = async (stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> => {
    if (closed || stream.write(data)) return;
    await Promise.race([once(stream, "drain"), once(stream, "close")]);
  };
  return {
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 100,
    write: (data) => send(process.stdout, data),
    line: (text) => send(process.stdout, `${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    noteBytes: (bytes) => send(process.stderr, bytes),
  };
}
