/** The body of a request as a checked value. */
import type * as z from "zod";
import { describeIssue } from "../../contracts/schema-issue.js";
import { WaybillError } from "../../domain/errors.js";

/**
 * Errors: `unsupported_media_type` unless it says that it is JSON, so that no form of a web page passes for a request;
 * `invalid_input` for what is no JSON text in UTF-8, for a second value after the first, and for what does not fit.
 */
export async function readBody<S extends z.ZodType>(request: Request, schema: S): Promise<z.output<S>> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new WaybillError("unsupported_media_type", `The body is "${type}"; expected application/json.`, {
      hint: "Send `Content-Type: application/json`.",
    });
  }
  const value = parse(new Uint8Array(await request.arrayBuffer()));
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, value));
  const said = faults.map(({ path, message, hint }) => {
    return `${path.length === 0 ? "" : `${path.join(".")}: `}${message}${hint === undefined ? "" : ` (${hint})`}`;
  });
  throw new WaybillError("invalid_input", `The body does not fit: ${said.join("; ")}.`);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WaybillError("invalid_input", `The body is not one JSON value: ${(cause as Error).message}.`, { cause });
  }
}
