import { toCacheEntryView } from "../../contracts/cache.js";
import type { CallHandler } from "../context.js";

export const listCache: CallHandler<"cache.list"> = async (context, { prefix, limit, after }) => {
  const { cache } = await context.store();
  const entries = await cache.listCacheEntries({ prefix, limit, after: after ?? null });
  return {
    entries: entries.map(toCacheEntryView),
    next: entries.length < limit ? null : (entries.at(-1)?.key ?? null),
    size_bytes: await cache.cacheBytes(),
    max_bytes: context.settings.cacheMaxBytes,
  };
};
