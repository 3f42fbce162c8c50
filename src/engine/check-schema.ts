import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type ErrorCode, WaybillError } from "../domain/errors.js";

const pathOf = (issue: StandardSchemaV1.Issue): string =>
  (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");

const withinSentence = (what: string): string => what.replace(/^The /, "the ");

function refuse(what: string, code: ErrorCode, issues: readonly StandardSchemaV1.Issue[]): never {
  const found = issues.map((issue) => ({ path: pathOf(issue), message: issue.message }));
  const text = found.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  throw new WaybillError(code, `The schema refuses ${withinSentence(what)}: ${text}.`, { details: { issues: found } });
}

/**
 * Checks a value by any Standard Schema (zod, valibot, arktype, …). Answers at once where the schema does.
 *
 * @param what the value as it begins a sentence: `The params of task 0199a3`
 *
 * Errors: `code`, naming each place that does not fit.
 */
export function checkSchema(
  schema: StandardSchemaV1 | null,
  value: unknown,
  what: string,
  code: ErrorCode,
): unknown | Promise<unknown> {
  if (schema === null) return value;
  const settle = (result: StandardSchemaV1.Result<unknown>): unknown =>
    result.issues === undefined ? result.value : refuse(what, code, result.issues);
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(settle) : settle(result);
}
