import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { toCacheEntryView } from "../../contracts/cache.js";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { checkCacheSize } from "../../domain/cache.js";
import { WaybillError } from "../../domain/errors.js";
import type { AppContext, CallHandler } from "../context.js";

type Input = ParsedInputOf<"cache.set">;

export const setCached: CallHandler<"cache.set"> = async (context, input) => {
  const { entry, evicted } = await (await context.store()).cache.setCacheValue({
    key: input.key,
    value: await readValue(context, input),
    ttlMs: durationMs(input.ttl),
    maxBytes: context.settings.cacheMaxBytes,
  });
  return { ...toCacheEntryView(entry), evicted };
};

async function readValue(context: AppContext, { value, encoding, file }: Input): Promise<Uint8Array> {
  if (value !== undefined && file === undefined) return decode(value, encoding);
  if (file === undefined || value !== undefined) {
    throw new WaybillError("invalid_input", "An entry is set to one value: give it, or --file, or standard input.");
  }
  const path = resolve(context.settings.cwd, file);
  try {
    // Looked at first, so that a file which is far too large is not read into memory.
    checkCacheSize((await stat(path)).size, context.settings.cacheMaxBytes);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof WaybillError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new WaybillError("invalid_input", `The file ${file} cannot be read: ${why}.`, { cause });
  }
}

/** Node decodes whatever it can of what is not base64, or not Unicode; a value that came back changed would be a lie. */
function decode(value: string, encoding: Input["encoding"]): Uint8Array {
  const bytes = Buffer.from(value, encoding);
  if (bytes.toString(encoding) === value) return bytes;
  const expected = encoding === "base64" ? "base64 with padding" : "well-formed Unicode";
  throw new WaybillError("invalid_input", `The value is not ${expected}.`, {
    hint: "Bytes come with --file, or on standard input.",
  });
}
