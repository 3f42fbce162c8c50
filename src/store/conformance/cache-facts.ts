import { describe, expect, it } from "vitest";
import { LARGEST_CACHE_VALUE, TOUCH_EVERY_MS } from "../../domain/cache.js";
import type { CachePage, CacheWrite } from "../cache-store.js";
import type { UseBench } from "./bench.js";
import { finished } from "./given.js";

const bytes = (length: number, fill = 7): Uint8Array => new Uint8Array(length).fill(fill);

export function cacheFacts(use: UseBench): void {
  const set = (key: string, value: Uint8Array, more: Partial<CacheWrite> = {}) =>
    use().store.cache.setCacheValue({ key, value, ttlMs: null, maxBytes: 2 * LARGEST_CACHE_VALUE, ...more });
  const get = async (key: string) => (await use().store.cache.getCacheValue(key))?.value;
  const list = (more: Partial<CachePage> = {}) =>
    use().store.cache.listCacheEntries({ prefix: "", after: null, limit: 100, ...more });
  const keys = async (more: Partial<CachePage> = {}) => (await list(more)).map((entry) => entry.key);
  const size = () => use().store.cache.cacheBytes();

  describe("cached values", () => {
    it("come back byte for byte, whatever the bytes", async () => {
      const every = Uint8Array.from({ length: 256 }, (_, at) => at);
      await set("every", every);
      await set("utf-16", Uint8Array.of(0xff, 0xfe, 0x00, 0xd8));
      expect(Buffer.from((await get("every")) ?? []).equals(every)).toBe(true);
      expect([...((await get("utf-16")) ?? [])]).toEqual([0xff, 0xfe, 0x00, 0xd8]);
      expect(await get("nothing")).toBeUndefined();
    });

    it.each([0, 1, 4_096, LARGEST_CACHE_VALUE])("may have %d bytes", async (length) => {
      const { entry } = await set("k", bytes(length));
      const value = await get("k");
      expect([entry.sizeBytes, value?.byteLength, await size()]).toEqual([length, length, length]);
      expect(Buffer.compare(value ?? bytes(1), bytes(length))).toBe(0);
    });

    it("may be a part of a larger buffer, of which nothing else is kept", async () => {
      await set("k", bytes(10, 1).fill(2, 3, 5).subarray(3, 5));
      expect([...((await get("k")) ?? [])]).toEqual([2, 2]);
    });

    it("are refused when they are larger than an entry or than the whole cache, and nothing is evicted for them", async () => {
      await set("small", bytes(5));
      await expect(set("k", bytes(LARGEST_CACHE_VALUE + 1))).rejects.toMatchObject({ code: "invalid_input" });
      await expect(set("k", bytes(11), { maxBytes: 10 })).rejects.toMatchObject({ code: "invalid_input" });
      expect(await keys()).toEqual(["small"]);
    });

    it.each(["a b", "a/b", "a:b", "a\nb", "🦀", " ", "%", "_"])("take the key %j", async (key) => {
      await set(key, bytes(3));
      expect(await get(key)).toHaveLength(3);
      expect(await keys()).toEqual([key]);
    });

    it("refuse a key that is empty or no Unicode", async () => {
      const { cache } = use().store;
      for (const key of ["", "\ud800"]) {
        await expect(set(key, bytes(1))).rejects.toMatchObject({ code: "invalid_input" });
        await expect(cache.getCacheValue(key)).rejects.toMatchObject({ code: "invalid_input" });
        await expect(cache.removeCacheEntry(key)).rejects.toMatchObject({ code: "invalid_input" });
      }
    });

    it("replace what was there, with its size, its time and its expiry", async () => {
      const bench = use();
      await set("k", bytes(100), { ttlMs: 1_000 });
      bench.now += 10;
      const { entry } = await set("k", bytes(5));
      expect(entry).toEqual({ key: "k", sizeBytes: 5, createdAt: bench.now, usedAt: bench.now, expiresAt: null });
      expect(await size()).toBe(5);
    });

    it("expire by the store's clock, and are then neither read, listed nor counted", async () => {
      const bench = use();
      const { entry } = await set("k", bytes(1), { ttlMs: 1_000 });
      expect(entry.expiresAt).toBe(bench.now + 1_000);
      bench.now += 999;
      expect(await get("k")).toHaveLength(1);
      bench.now += 1;
      expect([await get("k"), await keys(), await bench.store.cache.removeCacheEntry("k")]).toEqual([
        undefined,
        [],
        false,
      ]);
    });

    it("that have expired give their room back with the writes that come after", async () => {
      const bench = use();
      await Promise.all(Array.from({ length: 30 }, (_, at) => set(`${at}`, bytes(10), { ttlMs: 1 })));
      bench.now += 1;
      for (const key of ["a", "b", "c"]) await set(key, bytes(1));
      expect(await size()).toBe(3);
    });
  });

  describe("a cache that is full", () => {
    it("evicts what was used least recently, and no more than it must", async () => {
      const bench = use();
      for (const key of ["a", "b", "c", "d"]) {
        await set(key, bytes(10));
        bench.now += 1;
      }
      const { evicted } = await set("new", bytes(15), { maxBytes: 40 });
      expect([evicted, await keys(), await size()]).toEqual([2, ["c", "d", "new"], 35]);
    });

    it("keeps what was read since", async () => {
      const bench = use();
      for (const key of ["a", "b"]) await set(key, bytes(10));
      bench.now += TOUCH_EVERY_MS;
      expect(await get("a")).toHaveLength(10);
      await set("new", bytes(10), { maxBytes: 20 });
      expect(await keys()).toEqual(["a", "new"]);
    });

    it("records a use at most once in a while", async () => {
      const bench = use();
      const { entry } = await set("k", bytes(1));
      const usedAt = async () => (await list())[0]?.usedAt;
      bench.now += TOUCH_EVERY_MS - 1;
      await get("k");
      await set("other", bytes(1));
      expect(await usedAt()).toBe(entry.createdAt);
      bench.now += 1;
      await get("k");
      await set("other", bytes(1));
      expect(await usedAt()).toBe(entry.createdAt + TOUCH_EVERY_MS);
    });

    it("lets what has expired go first", async () => {
      const bench = use();
      await set("old", bytes(10));
      bench.now += 1;
      await Promise.all(Array.from({ length: 25 }, (_, at) => set(`short ${at}`, bytes(10), { ttlMs: 1 })));
      bench.now += 1;
      const { evicted } = await set("new", bytes(10), { maxBytes: 20 });
      expect([evicted, await keys()]).toEqual([0, ["new", "old"]]);
    });

    it("never evicts a value for itself, even when the clock has gone back", async () => {
      const bench = use();
      await set("a", bytes(10));
      bench.now -= 1_000;
      await set("new", bytes(15), { maxBytes: 20 });
      expect(await keys()).toEqual(["new"]);
    });

    it("makes room for many small ones at once", async () => {
      await Promise.all(Array.from({ length: 250 }, (_, at) => set(`${at}`, bytes(1))));
      const { evicted } = await set("large", bytes(250), { maxBytes: 251 });
      expect([evicted, (await keys()).length, await size()]).toEqual([249, 2, 251]);
    });

    it("fits after any number of writers", async () => {
      await Promise.all(
        Array.from({ length: 200 }, (_, at) => set(`${at % 50}`, bytes((at * 37) % 90), { maxBytes: 500 })),
      );
      const entries = await list();
      const sum = entries.reduce((total, entry) => total + entry.sizeBytes, 0);
      expect(sum).toBeLessThanOrEqual(500);
      expect(await size()).toBe(sum);
      expect(entries.length).toBeGreaterThan(1);
    });
  });

  describe("the cache", () => {
    it("is listed by key in pages, and by prefix", async () => {
      await Promise.all(["b", "a/1", "a/2", "c"].map((key) => set(key, bytes(key.length))));
      expect((await list()).map((entry) => [entry.key, entry.sizeBytes])).toEqual([
        ["a/1", 3],
        ["a/2", 3],
        ["b", 1],
        ["c", 1],
      ]);
      expect(await keys({ limit: 2 })).toEqual(["a/1", "a/2"]);
      expect(await keys({ after: "a/2" })).toEqual(["b", "c"]);
      expect(await keys({ prefix: "a/" })).toEqual(["a/1", "a/2"]);
    });

    it("forgets one entry, and says whether it was there", async () => {
      await set("k", bytes(3));
      const { cache } = use().store;
      expect([await cache.removeCacheEntry("k"), await cache.removeCacheEntry("k"), await size()]).toEqual([
        true,
        false,
        0,
      ]);
    });

    it("is cleared whole or by prefix, and nothing else is touched", async () => {
      const { store } = use();
      const run = await finished(store);
      const write = { scope: "root", key: "k", value: "v", format: "text", ttlMs: null, condition: null } as const;
      await store.variables.setVariable(write);
      await Promise.all(Array.from({ length: 250 }, (_, at) => set(`many/${at}`, bytes(1))));
      await set("other", bytes(1));
      expect([await store.cache.clearCache("many/"), await keys()]).toEqual([250, ["other"]]);
      expect([await store.cache.clearCache(""), await keys(), await size()]).toEqual([1, [], 0]);
      expect(await store.runs.getRun(run.id)).toEqual(run);
      expect((await store.variables.getVariable("root", "k"))?.value).toBe("v");
    });

    it("is cleared in several transactions when its values are large", async () => {
      for (const key of ["a", "b", "c"]) await set(key, bytes(12 * 1024 * 1024));
      expect([await use().store.cache.clearCache(""), await size()]).toEqual([3, 0]);
    });

    it("is empty after a reset, and has room again", async () => {
      await set("k", bytes(10), { maxBytes: 10 });
      await use().store.reset();
      expect(await size()).toBe(0);
      expect((await set("new", bytes(10), { maxBytes: 10 })).evicted).toBe(0);
    });
  });
}
