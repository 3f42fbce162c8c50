import type { CallHandler } from "../context.js";

export const removeCached: CallHandler<"cache.rm"> = async (context, { key: keys }) => {
  const { cache } = await context.store();
  const removed = await Promise.all(keys.map(async (key) => ((await cache.removeCacheEntry(key)) ? [key] : [])));
  return { removed: removed.flat() };
};
