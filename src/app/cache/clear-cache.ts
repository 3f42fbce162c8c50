import type { CallHandler } from "../context.js";

export const clearCache: CallHandler<"cache.clear"> = async (context, { prefix }) => ({
  cleared: await (await context.store()).cache.clearCache(prefix),
});
