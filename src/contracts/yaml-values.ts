/** Values that several kinds of files have, checked and refused in the same words. */
import * as z from "zod";
import { parseDuration } from "../domain/duration.js";
import { describeValue } from "./schema-issue.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Text of at least one character, none of them a control character. */
export const fileText = z
  .string()
  .refine((value) => value !== "", { error: "expected text", abort: true })
  .refine((value) => !CONTROL.test(value), { error: "expected text without control characters" });

/** `90s`, `1h30m`; read as milliseconds, at least one. */
export const fileDuration = z.unknown().transform((value, ctx) => {
  const ms = typeof value === "string" ? parseDuration(value) : null;
  if (ms !== null && ms > 0) return ms;
  const message = `expected a duration such as 90s, 30m or 1h30m, found ${describeValue(value)}`;
  const bare = typeof value === "number" && value > 0;
  ctx.addIssue({ code: "custom", message, input: value, params: bare ? { hint: `write a unit: ${value}s` } : {} });
  return z.NEVER;
});

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
