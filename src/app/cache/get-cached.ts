import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { toCacheEntryView } from "../../contracts/cache.js";
import { encodeBytes } from "../../contracts/encoded-bytes.js";
import { WaybillError } from "../../domain/errors.js";
import type { CallHandler } from "../context.js";

export const getCached: CallHandler<"cache.get"> = async (context, { key, output }) => {
  const found = await (await context.store()).cache.getCacheValue(key);
  if (found === null) {
    throw new WaybillError("cache_miss", `Nothing is cached as ${JSON.stringify(key)}.`, {
      hint: "Make it again and `waybill cache set` it; `waybill cache list` shows what there is.",
      details: { key },
    });
  }
  const entry = toCacheEntryView(found.entry);
  if (output === undefined) {
    const { encoding, text } = encodeBytes(found.value);
    return { ...entry, encoding, data: text, path: null };
  }
  const path = resolve(context.settings.cwd, output);
  await writeValue(path, found.value);
  return { ...entry, encoding: null, data: null, path };
};

async function writeValue(path: string, value: Uint8Array): Promise<void> {
  try {
    await writeFile(path, value);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new WaybillError("invalid_input", `The file ${path} cannot be written: ${why}.`, {
      hint: "Give --output a file in a directory that exists and that you may write in.",
      cause,
    });
  }
}
