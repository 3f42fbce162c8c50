/** Loads the ES module in which a user defines tasks, and gathers the definitions that it exports. */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WaybillError } from "../../domain/errors.js";
import type { TaskDefinition } from "../../engine/task-definition.js";
import { MARK_NOT_READY, MARK_READY } from "../sidecar/readiness-tasks.js";
import { COMMAND } from "./command-runs.js";
import { gatherDefinitions } from "./gather-definitions.js";
import { whileImporting } from "./module-import.js";

export interface TaskModule {
  /** Absolute. */
  readonly path: string;
  /** One for each type, in the order of the exports; at least one. */
  readonly definitions: readonly TaskDefinition[];
}

/** Every engine that the command line starts has them. */
const BUILT_IN_TYPES = [COMMAND, MARK_READY, MARK_NOT_READY];

type Import = (url: string) => Promise<Readonly<Record<string, unknown>>>;

const { importModule } = createRequire(import.meta.url)("./import-module.cjs") as { readonly importModule: Import };

/**
 * Imports `file` (relative to `cwd`), which executes it, and gathers what it exports: definitions under any name, and
 * lists of them, such as a default export.
 *
 * Errors: `invalid_input` for a file that is not there; `invalid_task_module`, with the place where that is known, for
 * one that cannot be imported, that exports no definition, two of one type, one of a built-in type, or something else in a list of them.
 */
export async function loadTaskModule(file: string, cwd: string): Promise<TaskModule> {
  const path = resolve(cwd, file);
  await mustBeFile(file, path);
  const imported = whileImporting({ file, path }, importModule(pathToFileURL(path).href));
  const exported = await imported.catch(async (error: unknown) => {
    throw await importFailure(file, path, error);
  });
  const { definitions, problems } = gatherDefinitions(exported, BUILT_IN_TYPES);
  if (problems.length === 0) return { path, definitions };
  throw new WaybillError(
    "invalid_task_module",
    [`${file} does not define tasks as it should:`, ...problems].join("\n"),
    {
      hint: "Export what defineTask returns, each under a name or all in a default list.",
      details: { file: path, problems },
    },
  );
}

async function mustBeFile(file: string, path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (typeof found !== "string" && found.isFile()) return;
  const why = typeof found === "string" ? found : "it is no file";
  throw new WaybillError("invalid_input", `The tasks ${file} cannot be read: ${why}.`, {
    hint: "Give the path of a JavaScript module that exports what defineTask returns.",
    details: { file: path },
  });
}

async function importFailure(file: string, path: string, error: unknown): Promise<WaybillError> {
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = error instanceof SyntaxError ? await placeOfSyntaxError(path, error) : placeOfThrow(path, error);
  return new WaybillError("invalid_task_module", `${place ?? file} cannot be imported: ${said}`, {
    hint: hintFor(error),
    details: { file: path, place },
    cause: error,
  });
}

function hintFor(error: unknown): string {
  const { code, hint } = error as { readonly code?: unknown; readonly hint?: unknown };
  if (code === "ERR_MODULE_NOT_FOUND") return "Install what it imports beside it, or correct the import.";
  if (code === "ERR_UNKNOWN_FILE_EXTENSION") return "Compile it to JavaScript first: this Node does not read it.";
  return typeof hint === "string" ? hint : "Correct the module and try again.";
}

/** Node names the place when it links a module; when it parses one it does not say, and is asked again with `--check`. */
async function placeOfSyntaxError(path: string, error: SyntaxError): Promise<string | null> {
  const linked = /^file:\/\/(\S+):(\d+)$/m.exec(error.stack ?? "");
  if (linked !== null) return `${decodeURI(linked[1] ?? "")}:${linked[2]}`;
  const said = await new Promise<string>((answer) => {
    // Its failure is the answer that is wanted.
    execFile(process.execPath, ["--check", path], (_failure, _stdout, stderr) => answer(stderr));
  });
  return placeInCheck(path, said);
}

/** `/a/tasks.mjs:3`, the line, a line of blanks with a caret below the fault. */
function placeInCheck(path: string, said: string): string | null {
  const [head = "", , caret = ""] = said.split("\n");
  const line = /:(\d+)$/.exec(head)?.[1];
  if (line === undefined) return null;
  const column = caret.indexOf("^") + 1;
  return column === 0 ? `${path}:${line}` : `${path}:${line}:${column}`;
}

/** Where the module itself was when it threw: the first of its own frames. */
function placeOfThrow(path: string, error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  for (const [, url = "", line, column] of (error.stack ?? "").matchAll(/(file:\/\/\S+?):(\d+):(\d+)/g)) {
    if (fileURLToPath(url) === path) return `${path}:${line}:${column}`;
  }
  return null;
}
