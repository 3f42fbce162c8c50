/** Cuts a machine's answer out of what a connection prints: login banners come before it, a shell's last words after. */

/** How an answer ended: with the verb's exit status, or cut (null). */
export interface AnswerEnd {
  /** The machine's shell has begun to carry out the request. */
  readonly begun: boolean;
  readonly status: number | null;
}

const NEWLINE = 0x0a;
/** A status is at most three digits; with the space before it and the newline after. */
const TRAILER_REST = 5;

/**
 * Yields the bytes between the line `NONCE` and the trailer `NONCE STATUS`, as they come; returns how it ended. Holds
 * back nothing but what may be the trailer's beginning.
 *
 * @param onBegin called when the answer begins: then the connection stands, and others may share it
 */
export async function* unframe(
  source: AsyncIterable<Buffer>,
  nonce: string,
  onBegin: () => void,
): AsyncGenerator<Buffer, AnswerEnd> {
  const mark = Buffer.from(nonce);
  let begun = false;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!begun) {
      const at = rest.indexOf(`${nonce}\n`);
      // A banner of any length is dropped as it comes, but for what may be the beginning of the mark.
      rest = at < 0 ? rest.subarray(Math.max(0, rest.length - mark.length)) : rest.subarray(at + mark.length + 1);
      if (at < 0) continue;
      begun = true;
      onBegin();
    }
    const end = rest.indexOf(mark);
    if (end >= 0) {
      if (end > 0) yield rest.subarray(0, end);
      rest = rest.subarray(end);
      if (rest.length < mark.length + TRAILER_REST && rest.indexOf(NEWLINE) < 0) continue;
      return { begun, status: statusOf(rest, mark.length) };
    }
    // Only what may be the beginning of the trailer waits for what comes next.
    const safe = rest.length - overlap(rest, mark);
    if (safe > 0) yield rest.subarray(0, safe);
    rest = rest.subarray(safe);
  }
  if (!begun) return { begun, status: null };
  if (rest.indexOf(mark) === 0) return { begun, status: statusOf(rest, mark.length) };
  // Cut in the middle of the answer: what came so far counts for whoever counts bytes.
  if (rest.length > 0) yield rest;
  return { begun, status: null };
}

/** The length of the longest end of `bytes` that `mark` begins with. */
function overlap(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}

function statusOf(trailer: Buffer, markLength: number): number | null {
  const match = /^ (\d{1,3})\n/.exec(trailer.subarray(markLength, markLength + TRAILER_REST).toString("latin1"));
  return match === null ? null : Number(match[1]);
}
