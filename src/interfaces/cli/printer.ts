/** The only place that writes to the terminal. Waits for a slow reader, and takes a closed pipe as "enough". */

export interface Printer {
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Aborted when the reader of stdout or stderr has gone: whatever only shows something may stop. */
  readonly closed: AbortSignal;
  /** Writes to stdout as it is. */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes a line to stdout. */
  line(text: string): Promise<void>;
  /** Writes to stderr: notes, progress, errors; stdout stays clean for data. */
  note(text: string): void;
  noteBytes(bytes: Uint8Array): Promise<void>;
}

export function createPrinter(): Printer {
  const closed = new AbortController();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // `waybill runs logs ID | head` closes the pipe when it has seen enough: nothing is wrong.
      if (error.code !== "EPIPE") throw error;
      closed.abort();
    });
  }
  const send = async (stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> => {
    if (closed.signal.aborted || stream.write(data)) return;
    await roomIn(stream);
  };
  return {
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 100,
    closed: closed.signal,
    write: (data) => send(process.stdout, data),
    line: (text) => send(process.stdout, `${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    noteBytes: (bytes) => send(process.stderr, bytes),
  };
}

/** Resolves when the stream takes more, or never will: an error has its own listener. */
function roomIn(stream: NodeJS.WriteStream): Promise<void> {
  const ends = ["drain", "close", "error"] as const;
  return new Promise((resolve) => {
    const done = () => {
      for (const name of ends) stream.off(name, done);
      resolve();
    };
    for (const name of ends) stream.on(name, done);
  });
}
