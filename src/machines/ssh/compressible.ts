/** Looks cheaply whether compressing a tree would pay, by compressing some bytes of its largest files. */
import { open } from "node:fs/promises";
import { deflateRawSync } from "node:zlib";
import { joinBytes } from "../tree/byte-path.js";
import type { ScannedEntry } from "../tree/scan-tree.js";

const SAMPLE = { files: 8, bytes: 32 * 1024 } as const;
/** What shrinks by less than a tenth costs more time to compress than it saves on a fast link. */
const WORTH_IT = 0.9;

/** Whether samples from the middle of the largest of `files` shrink; false when there is nothing to compress. */
export async function isCompressible(root: string, files: readonly ScannedEntry[]): Promise<boolean> {
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, SAMPLE.files);
  const samples = await Promise.all(largest.map((file) => readMiddle(root, file)));
  const sample = Buffer.concat(samples);
  return sample.length > 0 && deflateRawSync(sample, { level: 1 }).length < sample.length * WORTH_IT;
}

async function readMiddle(root: string, { path, size }: ScannedEntry): Promise<Buffer> {
  const file = await open(joinBytes(root, path)).catch(() => null); // It is missed by whoever reads all of it, who says so.
  if (file === null) return Buffer.alloc(0);
  try {
    const at = Math.max(0, Math.floor((size - SAMPLE.bytes) / 2));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, SAMPLE.bytes)), 0, null, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
