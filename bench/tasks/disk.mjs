/** What the disk under a bench is like: most of what these figures say is how often an engine waits for it. */
import { closeSync, fsyncSync, openSync, statfsSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { median } from "../cli/interleaved.mjs";

/** https://man7.org/linux/man-pages/man2/statfs.2.html */
const TMPFS_MAGIC = 0x01021994;
const WRITES = 50;

export const isInMemory = (dir) => statfsSync(dir).type === TMPFS_MAGIC;

/** The median time that an fsync of one appended page takes; milliseconds. */
export function fsyncTime(dir) {
  const path = join(dir, "fsync");
  const file = openSync(path, "a");
  const page = Buffer.alloc(4_096);
  const times = Array.from({ length: WRITES }, () => {
    writeSync(file, page);
    const before = performance.now();
    fsyncSync(file);
    return performance.now() - before;
  });
  closeSync(file);
  unlinkSync(path);
  return Number(median(times).toPrecision(3));
}
