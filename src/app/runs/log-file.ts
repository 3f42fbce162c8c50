/** Reads logs from disk in pieces, so that memory stays flat however large they are. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

const PIECE_BYTES = 256 * 1024;

export async function* readLogFile(path: string, from: number, to?: number): AsyncGenerator<Uint8Array, void> {
  const end = to === undefined ? {} : { end: to - 1 };
  if (to !== undefined && to <= from) return;
  for await (const piece of createReadStream(path, { start: from, ...end, highWaterMark: PIECE_BYTES })) {
    yield piece as Buffer;
  }
}

/** The offset at which the last `lines` lines of a file begin, reading backwards from its end. */
export async function offsetOfTail(path: string, lines: number): Promise<number> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (lines === 0) return size;
    const piece = Buffer.alloc(64 * 1024);
    let wanted = lines;
    let end = size;
    while (end > 0) {
      const start = Math.max(0, end - piece.length);
      const { bytesRead } = await file.read(piece, 0, end - start, start);
      for (let i = bytesRead - 1; i >= 0; i -= 1) {
        const isLineEnd = piece[i] === 0x0a && start + i !== size - 1;
        if (isLineEnd) wanted -= 1;
        if (wanted === 0) return start + i + 1;
      }
      end = start;
    }
    return 0;
  } finally {
    await file.close();
  }
}
