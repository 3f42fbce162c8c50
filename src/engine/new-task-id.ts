import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

/** The random part of one id, in bytes; and how many are drawn at once, since each draw costs as much as a submission. */
const RANDOM_BYTES = 16;
const DRAWN = 256;

const pool = new Uint8Array(RANDOM_BYTES * DRAWN);
let used = pool.length;
let lastMs = 0;
let sequence = 0;

/** A UUIDv7. Those of one process sort in the order in which they were made, also within a millisecond. */
export function newTaskId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + RANDOM_BYTES);
  used += RANDOM_BYTES;
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Begins anywhere in the lower half, so that a millisecond has room for two thousand million more.
    sequence = ((random[6] ?? 0) << 23) | ((random[7] ?? 0) << 16) | ((random[8] ?? 0) << 8) | (random[9] ?? 0);
  } else sequence += 1;
  return v7({ random, msecs: lastMs, seq: sequence });
}
