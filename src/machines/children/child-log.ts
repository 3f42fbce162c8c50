/** What a child writes, as lines for a log that is bounded, and the last line of its stdout, which may be its result. */
import { describeByteSize } from "../../domain/byte-size.js";
import { LONGEST_RESULT } from "../../domain/result.js";
import type { OutputStream } from "./child.js";

/** Lines of a log are kept up to this length; bytes. */
const LONGEST_LINE = 64 * 1024;

const NEWLINE = 10;

interface Line {
  readonly bytes: Buffer;
  /** How many more bytes it had. */
  readonly more: number;
}

export interface LastLine {
  readonly text: string;
  /** It went on, and was too long to be a result. */
  readonly isCut: boolean;
}

export interface ChildLogOptions {
  /** How much is kept of all lines together; bytes. */
  readonly limit: number;
  readonly write: (line: string) => void;
}

export class ChildLog {
  readonly #options: ChildLogOptions;
  readonly #lines: Readonly<Record<OutputStream, LineSplitter>> = {
    // Any of its lines may turn out to be the last, which is a result.
    stdout: new LineSplitter(LONGEST_RESULT),
    stderr: new LineSplitter(LONGEST_LINE),
  };
  #last: Line | null = null;
  #kept = 0;
  #dropped = { lines: 0, bytes: 0 };

  constructor(options: ChildLogOptions) {
    this.#options = options;
  }

  take(stream: OutputStream, bytes: Buffer): void {
    this.#lines[stream].push(bytes, (line) => this.#line(stream, line));
  }

  /** To be called when nothing more comes: writes lines that have no end, and says how much was not kept. */
  finish(): void {
    for (const stream of ["stdout", "stderr"] as const) this.#lines[stream].end((line) => this.#line(stream, line));
    const { lines, bytes } = this.#dropped;
    if (lines === 0) return;
    const limit = describeByteSize(this.#options.limit);
    this.#options.write(
      `[waybill: ${lines} more lines, ${describeByteSize(bytes)}, were not kept; the limit is ${limit}]`,
    );
  }

  /** The last line of stdout with something on it, repaired where it is not UTF-8; null when there was none. */
  lastLine(): LastLine | null {
    return this.#last === null ? null : { text: this.#last.bytes.toString().trim(), isCut: this.#last.more > 0 };
  }

  #line(stream: OutputStream, line: Line): void {
    if (stream === "stdout" && hasText(line.bytes)) this.#last = line;
    const size = line.bytes.length + line.more;
    if (this.#dropped.lines > 0 || this.#kept + Math.min(size, LONGEST_LINE) > this.#options.limit) {
      this.#dropped.lines += 1;
      this.#dropped.bytes += size + 1;
      return;
    }
    this.#kept += Math.min(size, LONGEST_LINE) + 1;
    this.#options.write(toText(line));
  }
}

/** Gathers bytes to lines, of which it keeps the first `longest` bytes. */
class LineSplitter {
  readonly #longest: number;
  #parts: Buffer[] = [];
  #length = 0;
  #more = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  push(bytes: Buffer, emit: (line: Line) => void): void {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.#add(bytes.subarray(from, at));
      this.#emit(emit);
      from = at + 1;
    }
    this.#add(bytes.subarray(from));
  }

  end(emit: (line: Line) => void): void {
    if (this.#length > 0) this.#emit(emit);
  }

  #add(bytes: Buffer): void {
    const kept = bytes.subarray(0, this.#longest - this.#length);
    if (kept.length > 0) this.#parts.push(kept);
    this.#length += kept.length;
    this.#more += bytes.length - kept.length;
  }

  #emit(emit: (line: Line) => void): void {
    const [only = EMPTY] = this.#parts;
    const bytes = this.#parts.length > 1 ? Buffer.concat(this.#parts) : only;
    const line = { bytes, more: this.#more };
    this.#parts = [];
    this.#length = 0;
    this.#more = 0;
    emit(line);
  }
}

const EMPTY = Buffer.alloc(0);

const hasText = (bytes: Buffer): boolean => bytes.some((byte) => byte > 32);

/** Cut where a character begins; what is not UTF-8 is replaced. */
function toText({ bytes, more }: Line): string {
  const end = bytes.at(-1) === 13 && more === 0 ? bytes.length - 1 : bytes.length;
  if (end <= LONGEST_LINE && more === 0) return bytes.toString("utf8", 0, end);
  let cut = LONGEST_LINE;
  while (cut > LONGEST_LINE - 4 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut -= 1;
  return `${bytes.toString("utf8", 0, cut)} [waybill: ${describeByteSize(bytes.length + more - cut)} more]`;
}
