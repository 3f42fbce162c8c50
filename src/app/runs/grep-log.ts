/** Picks lines of a log as it streams by. What is picked keeps its bytes and its offset in the log. */
import type { LogPiece } from "../../contracts/runs.js";

/** A longer line is taken in pieces of this size, so that memory stays flat whatever a program writes. */
const LONGEST_LINE = 64 * 1024;

export interface LinePattern {
  /** Tried on each line as UTF-8, without its end; bytes that are none count as U+FFFD. */
  readonly expression: RegExp;
  /** How many lines to print before and after each that matches. */
  readonly context: number;
}

/** Lines that match, with their context, each once and in order. A line that is not ended yet waits for its end. */
export async function* grepLog(
  pieces: AsyncIterable<LogPiece>,
  { expression, context }: LinePattern,
): AsyncGenerator<LogPiece, void> {
  const before: LogPiece[] = [];
  let after = 0;
  for await (const line of linesOf(pieces)) {
    if (expression.test(textOf(line.bytes))) {
      yield* before.splice(0);
      yield line;
      after = context;
    } else if (after > 0) {
      yield line;
      after -= 1;
    } else if (context > 0) {
      before.push(line);
      if (before.length > context) before.shift();
    }
  }
}

function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.replace(/\r?\n$/, "");
}

/** Lines with their ends. What follows an offset that does not go on from the one before, a new attempt, begins a line. */
async function* linesOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<LogPiece, void> {
  let rest: LogPiece = { runId: "", offset: 0, bytes: new Uint8Array() };
  for await (const piece of pieces) {
    const goesOn = rest.offset + rest.bytes.length === piece.offset;
    if (!goesOn && rest.bytes.length > 0) yield rest;
    rest = goesOn ? { ...piece, offset: rest.offset, bytes: Buffer.concat([rest.bytes, piece.bytes]) } : piece;
    for (let end = endOfLine(rest.bytes); end !== null; end = endOfLine(rest.bytes)) {
      yield { ...rest, bytes: rest.bytes.subarray(0, end) };
      rest = { ...rest, offset: rest.offset + end, bytes: rest.bytes.subarray(end) };
    }
  }
  if (rest.bytes.length > 0) yield rest;
}

/** Where the first line ends; null while it is neither ended nor too long. */
function endOfLine(bytes: Uint8Array): number | null {
  const at = bytes.indexOf(0x0a);
  if (at >= 0 && at < LONGEST_LINE) return at + 1;
  return bytes.length >= LONGEST_LINE ? LONGEST_LINE : null;
}
