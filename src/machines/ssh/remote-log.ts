/** Reads a log that is on a machine: from a byte, its tail, and the notes of its growth. */
import { WaybillError } from "../../domain/errors.js";
import type { AttemptKey } from "../../domain/machine.js";
import { attemptArguments } from "../attempt-name.js";
import { readBounded } from "./read-answer.js";
import { QUICK_MS, type RemoteShell } from "./remote-shell.js";

/** The supervisor writes a line of some twenty bytes a second: years of them. */
const MOST_NOTES = 256 * 1024 * 1024;
/** Decimal digits of any size that a number here can hold. */
const LONGEST_SIZE = 16;
const NEWLINE = 0x0a;

const badAnswer = (verb: string, said: Buffer): WaybillError =>
  new WaybillError("machine_unreachable", `The machine's answer to "${verb}" cannot be read.`, {
    hint: "Run `waybill machines check` for this machine.",
    details: { output: said.subarray(0, 200).toString() },
  });

/** The log from byte `fromByte`; how long it is, once it began to come. Null: there is none. */
export interface LogReading {
  readonly size: number;
  readonly bytes: AsyncIterable<Buffer>;
  close(): void;
}

/** Errors: `machine_unreachable`, also from `bytes`. Never more bytes than the size allows. */
export async function openLogOverShell(
  shell: RemoteShell,
  key: AttemptKey,
  fromByte: number,
  signal?: AbortSignal,
): Promise<LogReading | null> {
  const args = [...attemptArguments(key), String(fromByte)];
  const stream = shell.open({
    verb: "log",
    args,
    input: new Uint8Array(),
    deadlineMs: null,
    ...(signal && { signal }),
  });
  const source = stream.output[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  try {
    while (!head.includes(NEWLINE)) {
      if (head.length > LONGEST_SIZE) throw badAnswer("log", head);
      const next = await source.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const end = head.indexOf(NEWLINE);
    if (end < 0 && head.length === 0 && (await stream.status) === 1) return null;
    const text = head.subarray(0, Math.max(0, end)).toString("latin1");
    if (!/^\d{1,16}$/.test(text)) throw badAnswer("log", head);
    const size = Number(text);
    const rest = { [Symbol.asyncIterator]: () => source };
    return { size, bytes: atMost(head.subarray(end + 1), rest, size - fromByte), close: () => stream.close() };
  } catch (error) {
    stream.close();
    throw error;
  }
}

/** `first` and what follows it, refused beyond `limit` bytes. */
async function* atMost(first: Buffer, rest: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let left = Math.max(0, limit);
  const within = (piece: Buffer): Buffer => {
    if (piece.length > left) throw badAnswer("log", piece);
    left -= piece.length;
    return piece;
  };
  if (first.length > 0) yield within(first);
  for await (const piece of rest) yield within(piece);
}

/** The log from a byte offset up to its present end; empty when there is none. */
export async function* readLogOverShell(
  shell: RemoteShell,
  key: AttemptKey,
  fromByte: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const log = await openLogOverShell(shell, key, fromByte, signal);
  if (log === null) return;
  try {
    yield* log.bytes;
  } finally {
    log.close();
  }
}

/** The byte at which the last `lines` lines begin; 0 when there is no log. */
export async function tailOffsetOverShell(shell: RemoteShell, key: AttemptKey, lines: number): Promise<number> {
  const args = [...attemptArguments(key), String(lines)];
  const { status, output } = await shell.call({ verb: "tail_offset", args, deadlineMs: QUICK_MS });
  if (status === 1 && output.length === 0) return 0;
  const text = output.toString("latin1").trim();
  if (status !== 0 || !/^\d{1,16}$/.test(text)) throw badAnswer("tail_offset", output);
  return Number(text);
}

/** The notes of how far the log had grown when; empty when there are none. */
export async function growthOverShell(shell: RemoteShell, key: AttemptKey, signal?: AbortSignal): Promise<string> {
  const call = { verb: "growth", args: attemptArguments(key), input: new Uint8Array(), deadlineMs: QUICK_MS };
  const { output } = await readBounded(shell, { ...call, ...(signal && { signal }) }, MOST_NOTES);
  if (output === null) throw badAnswer("growth", Buffer.alloc(0));
  return output.toString("latin1");
}
