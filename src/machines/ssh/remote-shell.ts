/**
 * A machine's shell, asked over some connection: one request, one answer, cut anywhere.
 *
 * Nothing here knows about ssh; what is above it (upload, collect, status) speaks only through this port.
 */
import type { Readable, Writable } from "node:stream";

/** Within which a quick question must be answered; a machine that needs longer counts as out of reach. Milliseconds. */
export const QUICK_MS = 30_000;

/** Programs of this computer that write an input themselves, so that it does not pass through this process. */
export interface InputPrograms {
  /** Starts them with `stdin` as their output. Whoever calls this gives `stdin` up: it ends when they have. */
  writeTo(stdin: Writable): void;
}

/** One verb of the machine's side (`supervisor/sh`), as the request line will call it. */
export interface RemoteCall {
  readonly verb: string;
  /** Arguments after the prefix; any text without NUL. They are quoted once, by the connection. */
  readonly args: readonly string[];
  /** Variables of the verb's process, never part of a command line that others can see. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the verb finds on its standard input. Default: nothing, ended at once. */
  readonly input?: Readable | Uint8Array | InputPrograms;
  /** Milliseconds until the answer must have ended; null: as long as `signal` lets it. */
  readonly deadlineMs: number | null;
  /** It goes on until nobody wants it any more (a watch, a log that is followed, a program that is fed). Default: it ends by itself. */
  readonly lasting?: boolean;
  readonly signal?: AbortSignal;
}

/** What a verb printed, whole. */
export interface RemoteAnswer {
  /** The verb's own exit status: 0 done; others as the verb says. */
  readonly status: number;
  readonly output: Buffer;
}

/** What a verb prints, while it does. */
export interface RemoteStream {
  /** The verb's bytes, exactly; ends when the verb has. Rejects with `machine_unreachable` when the connection was cut before. */
  readonly output: AsyncIterable<Buffer>;
  /** The verb's exit status, known once `output` has ended. */
  readonly status: Promise<number>;
  /** Sends more input; only for a stream that was opened without `input`. False when the other side is slow or gone. */
  send(bytes: string): boolean;
  /** Ends the input, and then the connection of this call; what the verb does about it is the verb's. */
  close(): void;
}

export interface RemoteShell {
  /**
   * Carries out a verb and answers with all that it printed: for answers that fit into memory.
   * Errors: `machine_unreachable` (no connection, cut, or past the deadline), `auth_failed`, `host_key_mismatch`.
   */
  call(call: RemoteCall): Promise<RemoteAnswer>;
  /** Starts a verb whose output is long or lasts. Its input stays open until `close` unless `input` is given. */
  open(call: RemoteCall): RemoteStream;
}
