/** Bytes as JSON can hold them: as text when they are UTF-8, else as base64. */
import { isUtf8 } from "node:buffer";
import * as z from "zod";

export const encoding = z.enum(["utf8", "base64"]);

export interface EncodedBytes {
  readonly encoding: z.infer<typeof encoding>;
  readonly text: string;
}

export function encodeBytes(bytes: Uint8Array): EncodedBytes {
  const found = isUtf8(bytes) ? "utf8" : "base64";
  return { encoding: found, text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(found) };
}
