/** The cache: bytes under a key that can be made again, kept while there is room and until they expire. */
import { formatByteSize } from "./byte-size.js";
import { WaybillError } from "./errors.js";
import { LONGEST_KEY } from "./variable.js";

/** What is known of a cached value without reading it. */
export interface CacheEntry {
  readonly key: string;
  readonly sizeBytes: number;
  /** When the value was set; epoch milliseconds. */
  readonly createdAt: number;
  /** When it was set or read, to within `TOUCH_EVERY_MS`. The least recently used goes first. */
  readonly usedAt: number;
  readonly expiresAt: number | null;
}

/** Bytes. A value is read and written whole, so this is also what one call takes of memory. */
export const LARGEST_CACHE_VALUE = 64 * 1024 * 1024;

/** What all values may take together unless the setting `WAYBILL_CACHE_MAX` says otherwise; bytes. */
export const DEFAULT_CACHE_MAX_BYTES = 1024 ** 3;

/** A read is recorded as a use at most so often for each entry, so that most reads write nothing. */
export const TOUCH_EVERY_MS = 60_000;

/** Errors: `invalid_input` for an empty or over-long key, and for one that is not well-formed; the rules of variables. */
export function checkCacheKey(key: string): void {
  if (key === "") throw new WaybillError("invalid_input", "The key is empty; expected a name.");
  if (key.length > LONGEST_KEY) {
    throw new WaybillError("invalid_input", `The key has ${key.length} characters; at most ${LONGEST_KEY} fit.`);
  }
  if (!key.isWellFormed()) throw new WaybillError("invalid_input", "The key is not well-formed Unicode.");
}

/** Errors: `invalid_input` for what is larger than any value may be, or than the whole cache. */
export function checkCacheSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes > LARGEST_CACHE_VALUE) {
    const most = formatByteSize(LARGEST_CACHE_VALUE);
    throw new WaybillError("invalid_input", `The value has ${sizeBytes} bytes; at most ${most} fit into an entry.`, {
      hint: "Keep large data in a file and cache its path.",
      details: { size_bytes: sizeBytes, largest: LARGEST_CACHE_VALUE },
    });
  }
  if (sizeBytes <= maxBytes) return;
  const all = formatByteSize(maxBytes);
  throw new WaybillError("invalid_input", `The value has ${sizeBytes} bytes; the whole cache may have ${all}.`, {
    hint: "WAYBILL_CACHE_MAX, or `cache_max` in the config file, gives the cache more room.",
    details: { size_bytes: sizeBytes, max_bytes: maxBytes },
  });
}
