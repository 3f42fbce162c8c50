/** Text that is given on the command line: as it stands there, `@FILE`, or `-` for standard input. */
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { OperationName } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import { readStandardInputBytes } from "./standard-input.js";

/**
 * @param what as messages name it: `The note`
 * @throws `invalid_input` for a file that cannot be read, a terminal, and what is not UTF-8
 */
export async function readGivenText(given: string, what: string, cwd: string): Promise<string> {
  if (given === "-") return toText(await readStandardInputBytes(), `${what} on standard input`);
  return given.startsWith("@") ? await readTextFile(given.slice(1), what, cwd) : given;
}

/** A file, or `-` for standard input. Errors: as above. */
export async function readTextFile(file: string, what: string, cwd: string): Promise<string> {
  if (file === "-") return await readGivenText(file, what, cwd);
  const bytes = await readFile(resolve(cwd, file)).catch((cause: NodeJS.ErrnoException) => {
    throw new WaybillError("invalid_input", `${what} cannot be read from ${file}: ${cause.code ?? cause.message}.`, {
      hint: "Expected the path of a file, or - for standard input.",
      cause,
    });
  });
  return toText(bytes, `${what} in ${file}`);
}

function toText(bytes: Buffer, what: string): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw new WaybillError("invalid_input", `${what} is not UTF-8 text.`, {
    hint: "Keep bytes in a file, and name that.",
  });
}

interface Given {
  readonly field: string;
  readonly what: string;
  readonly read: typeof readGivenText;
}

const GIVEN: { readonly [N in OperationName]?: Given } = {
  "tasks.note": { field: "text", what: "The note", read: readGivenText },
  "tasks.answer": { field: "text", what: "The answer", read: readGivenText },
  "tasks.progress": { field: "progress", what: "The progress", read: readGivenText },
  "tasks.result": { field: "file", what: "The result", read: readTextFile },
};

/** Puts the text itself where the command line says where it is. Errors: those of `readGivenText`. */
export async function takeGivenText(name: OperationName, input: Record<string, unknown>, cwd: string): Promise<void> {
  const given = GIVEN[name];
  const value = given === undefined ? undefined : input[given.field];
  if (given === undefined || typeof value !== "string") return;
  const text = await given.read(value, given.what, cwd);
  input[given.field] = name === "tasks.progress" ? jsonOr(text) : text;
}

/** What is JSON is meant so; anything else is text. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON: the text is the value.
    return text.trimEnd();
  }
}
