/** Reads logs from disk in pieces, so that memory stays flat however large they are. */
import { open, readFile } from "node:fs/promises";
import { WaybillError } from "../../domain/errors.js";

const PIECE_BYTES = 256 * 1024;

/** What to throw of a file that the store knows and the disk does not: `artifact_not_found`; else the error itself. */
export function unlessRemoved(path: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") return error;
  return new WaybillError("artifact_not_found", `The file ${path} is recorded but not there; somebody removed it.`, {
    hint: "What the store recorded of the run stands; the file cannot be had again, except by running it again.",
    details: { path },
    cause: error,
  });
}

/** From byte `from` up to `to` (default: the end). Errors: `artifact_not_found` when somebody removed the file. */
export async function* readLogFile(path: string, from: number, to?: number): AsyncGenerator<Uint8Array, void> {
  const end = to === undefined ? {} : { end: to - 1 };
  if (to !== undefined && to <= from) return;
  const file = await openLog(path);
  for await (const piece of file.createReadStream({ start: from, ...end, highWaterMark: PIECE_BYTES })) {
    yield piece as Buffer;
  }
}

const openLog = (path: string) =>
  open(path).catch((error: unknown) => {
    throw unlessRemoved(path, error);
  });

/**
 * The offset at which the last `lines` lines of a file begin, reading backwards from its end.
 * Errors: `artifact_not_found` when somebody removed the file.
 */
export async function offsetOfTail(path: string, lines: number): Promise<number> {
  const file = await openLog(path);
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

/** Beside a log, on the machine and where it was brought to: lines of `EPOCH_MS BYTES`. Empty before the first. */
export const readGrowth = (path: string): Promise<string> =>
  readFile(`${path}.times`, "utf8").catch((error: NodeJS.ErrnoException) => {
    // A run that said nothing, or was over before the first note.
    if (error.code === "ENOENT") return "";
    throw error;
  });
