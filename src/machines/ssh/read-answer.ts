/** Takes apart the answers of verbs whose output is long: bounded, or as a stream after a first line. */
import type { RemoteCall, RemoteShell } from "./remote-shell.js";

/** All that a verb printed and how it ended; `output` is null when it printed more than `limit` bytes, and was cut off. */
export async function readBounded(
  shell: RemoteShell,
  call: RemoteCall,
  limit: number,
): Promise<{ readonly status: number; readonly output: Buffer | null }> {
  const stream = shell.open(call);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of stream.output) {
      size += piece.length;
      if (size > limit) return { status: -1, output: null };
      pieces.push(piece);
    }
    return { status: await stream.status, output: Buffer.concat(pieces) };
  } finally {
    stream.close();
  }
}
