import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { toVariableView, type VariableView } from "../../contracts/vars.js";
import { WaybillError } from "../../domain/errors.js";
import { LONGEST_VALUE } from "../../domain/variable.js";
import type { VariableWrite } from "../../store/variable-store.js";
import type { AppContext, CallHandler } from "../context.js";

type Input = ParsedInputOf<"vars.set">;

export const setVariable: CallHandler<"vars.set"> = async (context, input) => {
  const value = await readValue(context, input);
  if (input.json_value) mustBeJson(value);
  return await write(context, {
    scope: input.scope ?? context.settings.scope,
    key: input.key,
    value,
    format: input.json_value ? "json" : "text",
    ttlMs: durationMs(input.ttl),
    condition: input.if_absent ? "absent" : null,
  });
};

export const compareAndSetVariable: CallHandler<"vars.cas"> = async (context, { key, value, rev, scope }) =>
  await write(context, {
    scope: scope ?? context.settings.scope,
    key,
    value,
    format: "text",
    ttlMs: null,
    condition: rev,
  });

/** Errors: `variable_conflict`, which tells the revision that was found. */
async function write(context: AppContext, wanted: VariableWrite): Promise<VariableView> {
  const answer = await (await context.store()).variables.setVariable(wanted);
  if (answer.written) return toVariableView(answer.variable);
  const { found } = answer;
  const now = found === null ? "is not there" : `has revision ${found.revision}`;
  throw new WaybillError("variable_conflict", `${JSON.stringify(wanted.key)} ${now}; it was not set.`, {
    hint: "Read it again, decide again, and set it over the revision that you read.",
    details: { key: wanted.key, revision: found?.revision ?? null },
  });
}

async function readValue(context: AppContext, input: Input): Promise<string> {
  if (input.value !== undefined && input.file === undefined) return input.value;
  if (input.file === undefined || input.value !== undefined) {
    throw new WaybillError("invalid_input", "A variable is set to one value: give it, or --file, or standard input.");
  }
  const path = resolve(context.settings.cwd, input.file);
  try {
    const { size } = await stat(path);
    if (size > LONGEST_VALUE) throw tooLarge(path, size);
    const bytes = await readFile(path);
    if (isUtf8(bytes)) return bytes.toString();
  } catch (cause) {
    if (cause instanceof WaybillError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new WaybillError("invalid_input", `The file ${input.file} cannot be read: ${why}.`, { cause });
  }
  throw new WaybillError("invalid_input", `The file ${input.file} is not UTF-8 text.`, {
    hint: "A variable holds text; keep bytes in a file and its path in the variable.",
  });
}

const tooLarge = (path: string, size: number): WaybillError =>
  new WaybillError("invalid_input", `${path} has ${size} bytes; at most ${LONGEST_VALUE} fit into a variable.`);

function mustBeJson(value: string): void {
  try {
    JSON.parse(value);
  } catch (cause) {
    throw new WaybillError("invalid_input", `The value is not JSON: ${(cause as Error).message}`, { cause });
  }
}
