import type { CallHandler } from "../context.js";

export const storeInfo: CallHandler<"store.info"> = async (context) => {
  const info = await (await context.store()).info();
  return {
    url: info.url,
    engine: info.engine,
    schema_version: info.schemaVersion,
    size_bytes: info.sizeBytes,
    rows: { ...info.rows },
    stale_writes_refused: info.staleWritesRefused,
    durability: { ...info.durability },
  };
};
