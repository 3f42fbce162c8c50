import type { CacheEntry } from "../domain/cache.js";

export interface CacheWrite {
  readonly key: string;
  /** Kept as it is, 0 bytes included. Must not change until the call has returned. */
  readonly value: Uint8Array;
  /** Milliseconds from now until it is gone; null: it stays while there is room. */
  readonly ttlMs: number | null;
  /** What all values may take together once this one is in; bytes. */
  readonly maxBytes: number;
}

export interface CacheAnswer {
  readonly entry: CacheEntry;
  /** How many other entries had to go for it. */
  readonly evicted: number;
}

export interface CachedValue {
  readonly entry: CacheEntry;
  readonly value: Uint8Array;
}

export interface CachePage {
  /** Only keys that start with this. */
  readonly prefix: string;
  /** Keys after this one; pages go by key. */
  readonly after: string | null;
  readonly limit: number;
}

/** Values that can be made again. What has expired does not exist. */
export interface CacheStore {
  /** Recorded as a use once in a while (`TOUCH_EVERY_MS`), where the store can be written. Errors: `invalid_input` for a wrong key. */
  getCacheValue(key: string): Promise<CachedValue | null>;
  /**
   * Sets a value and, in the same transaction, evicts what is expired and then what was used least recently until the sum
   * fits. The value itself is never evicted for itself.
   *
   * Errors: `invalid_input` for a wrong key, and for a value larger than an entry or than `maxBytes`.
   */
  setCacheValue(write: CacheWrite): Promise<CacheAnswer>;
  /** Entries by key, without their values. */
  listCacheEntries(page: CachePage): Promise<readonly CacheEntry[]>;
  /** What all values take, those that have expired and not yet gone included; bytes. */
  cacheBytes(): Promise<number>;
  /** False when there was no such entry. */
  removeCacheEntry(key: string): Promise<boolean>;
  /** Removes the entries whose keys start with `prefix`, in small transactions; how many that were. */
  clearCache(prefix: string): Promise<number>;
}
