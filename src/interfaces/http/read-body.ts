/** The body of a request as a checked value. */
import type { IncomingMessage } from "node:http";
import type * as z from "zod";
import { describeIssue, sayFault } from "../../contracts/schema-issue.js";
import { describeByteSize } from "../../domain/byte-size.js";
import { WaybillError } from "../../domain/errors.js";

/** So much of what is too large is still taken off the wire: a client that is writing does not listen before it is done. */
const DISCARDED_BYTES = 16 * 1024 * 1024;

/**
 * Reads at most `limit` bytes. Errors: `unsupported_media_type` unless it says that it is JSON, so that no form of a web
 * page passes for a request; `request_too_large`; `invalid_input` for what is no JSON text in UTF-8, for a second value
 * after the first, and for what does not fit.
 */
export async function readBody<S extends z.ZodType>(
  incoming: IncomingMessage,
  schema: S,
  limit: number,
): Promise<z.output<S>> {
  const type = incoming.headers["content-type"] ?? "";
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new WaybillError("unsupported_media_type", `The body is "${type}"; expected application/json.`, {
      hint: "Send `Content-Type: application/json`.",
    });
  }
  const value = parse(await readBytes(incoming, limit));
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, value));
  throw new WaybillError("invalid_input", `The body does not fit: ${faults.map(sayFault).join("; ")}.`);
}

async function readBytes(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const kept: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length <= limit) kept.push(chunk);
      if (length > limit + DISCARDED_BYTES) break;
    }
  } catch (cause) {
    // The client went away, or took longer than it may: nobody is left to be answered.
    throw new WaybillError("invalid_input", `The body broke off after ${length} bytes.`, { cause });
  }
  if (length <= limit) return Buffer.concat(kept);
  throw new WaybillError("request_too_large", `The body has more than ${describeByteSize(limit)}.`, {
    hint: "Keep large data in a file or a bucket, and its name in the task; or start with a larger --body-limit.",
  });
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WaybillError("invalid_input", `The body is not one JSON value: ${(cause as Error).message}.`, { cause });
  }
}
