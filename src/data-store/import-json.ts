import { createHash } from "node:crypto";
import { canonicalJson } from "../domain/canonical-json.js";
import { WaybillError } from "../domain/errors.js";
import { checkBackgroundRun, checkExecution } from "./check-record.js";

/** What was found in an export. */
export interface ImportedRecords {
  readonly executions: number;
  readonly backgroundRuns: number;
}

export interface JsonImport {
  readonly executions: readonly { readonly record: ReturnType<typeof checkExecution>; readonly name: string }[];
  readonly backgroundRuns: readonly ReturnType<typeof checkBackgroundRun>[];
}

/**
 * Reads an export: a JSON list of execution records and background runs in any order, as the source writes them. All of it
 * is checked before any of it is used. Equal executions get equal names, so that an import repeated adds nothing; those
 * that are equal within one export are told apart by their count.
 *
 * Errors: `invalid_input` for what is no JSON list, and for a record that is neither, by its position.
 */
export function readExport(text: string): JsonImport {
  const list = parseList(text);
  const executions: { record: ReturnType<typeof checkExecution>; name: string }[] = [];
  const backgroundRuns: ReturnType<typeof checkBackgroundRun>[] = [];
  const seen = new Map<string, number>();
  for (const [at, entry] of list.entries()) {
    try {
      if (isBackgroundRun(entry)) backgroundRuns.push(checkBackgroundRun(entry));
      else {
        const record = checkExecution(entry);
        const hash = createHash("sha256").update(canonicalJson(record)).digest("hex");
        const nth = (seen.get(hash) ?? 0) + 1;
        seen.set(hash, nth);
        executions.push({ record, name: `import/${hash}/${nth}` });
      }
    } catch (cause) {
      throw new WaybillError("invalid_input", `Entry ${at + 1}: ${(cause as Error).message}`, { cause });
    }
  }
  return { executions, backgroundRuns };
}

const isBackgroundRun = (entry: unknown): boolean => typeof entry === "object" && entry !== null && "pid" in entry;

function parseList(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch (cause) {
    throw new WaybillError("invalid_input", `The export is no JSON: ${(cause as Error).message}.`, { cause });
  }
  throw new WaybillError("invalid_input", "The export is no list.", { hint: "Expected a JSON list of records." });
}
