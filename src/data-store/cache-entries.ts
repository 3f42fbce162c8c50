/** Cache entries, under the names of the source. */
import type { DataStore } from "./data-store.js";
import type { Opened } from "./opened.js";

type CacheEntries = Pick<DataStore, "setCacheEntry" | "getCacheEntry" | "deleteCacheEntry">;

export function cacheEntries({ store, cacheMaxBytes }: Opened): CacheEntries {
  return {
    setCacheEntry: async (key, value) => {
      await store.cache.setCacheValue({ key, value, ttlMs: null, maxBytes: cacheMaxBytes });
    },
    getCacheEntry: async (key) => (await store.cache.getCacheValue(key))?.value ?? null,
    deleteCacheEntry: async (key) => {
      await store.cache.removeCacheEntry(key);
    },
  };
}
