/**
 * A result as one line of text, which a worker prints or posts.
 *
 * Two formats are read. The older one, `dispatch-result|kind|summary|branch|rev|error|fault`, has no way to write a `|`
 * inside a field, so it is written only where every field survives it; else the line is the result as JSON. What is
 * written is always a single line that also survives UTF-8 and whoever trims it.
 */
import { type ResultMessage, type ResultReading, readResult, toResult, type WorkerResult } from "../domain/result.js";

const MARK = "dispatch-result";
const SEPARATOR = "|";
/** What the older format has room for; beyond these it reads nothing. */
const KINDS = ["success", "fork", "fail"] as const;
const FIELDS = ["v", "kind", "summary", "branch", "rev", "substrate"];
const MOST_PARTS = 7;

/** What some reader takes for the end of a line, or a terminal for a command. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
/** Those of them that JSON lets stand in a text. */
const CONTROL_IN_JSON = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * @returns one line without an end, which `parseResult` reads back to the same result
 * @throws `invalid_result` with what is wrong with the message
 */
export function formatResult(message: ResultMessage): string {
  const result = toResult(message);
  return toPipes(result) ?? toJsonLine(result);
}

/** Null when the format would lose or change something. */
function toPipes(result: WorkerResult): string | null {
  const { kind, summary, branch = "", rev = "", substrate } = result;
  const fields = [summary, branch, rev, substrate?.error ?? "", substrate?.fault ?? ""];
  const fits =
    (KINDS as readonly string[]).includes(kind) &&
    Object.keys(result).every((name) => FIELDS.includes(name)) &&
    Object.keys(substrate ?? {}).every((name) => name === "fault" || name === "error");
  if (!fits || !fields.every(survivesPipes)) return null;
  // The summary always stands; after it, whatever is empty at the end is left out.
  const last = Math.max(
    0,
    fields.findLastIndex((field) => field !== ""),
  );
  return [MARK, kind, ...fields.slice(0, last + 1)].join(SEPARATOR);
}

const survivesPipes = (field: string): boolean =>
  !field.includes(SEPARATOR) && !CONTROL.test(field) && field === field.trim() && field.isWellFormed();

const toJsonLine = (result: WorkerResult): string =>
  JSON.stringify(result).replace(
    CONTROL_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Read, with a doubt where the older format cannot tell what its writer meant; or not read, and why. */
export type ParsedResult = ResultReading & { readonly doubt?: string };

/** Reads either format; the older one exactly as those who write it read it. Never throws. */
export function parseResult(body: string): ParsedResult {
  if (body.startsWith(MARK + SEPARATOR)) return fromPipes(body.split(SEPARATOR));
  if (!/^\s*\{/.test(body)) return { ok: false, reason: `The text begins neither with "${MARK}|" nor with "{".` };
  try {
    return readResult(JSON.parse(body));
  } catch (error) {
    return { ok: false, reason: `The text is no JSON: ${(error as Error).message}.` };
  }
}

function fromPipes(parts: readonly string[]): ParsedResult {
  const [, kind, summary, branch = "", rev = "", error = "", fault = ""] = parts;
  if (summary === undefined) return { ok: false, reason: `The result has no summary; expected ${MARK}|KIND|SUMMARY.` };
  if (!(KINDS as readonly (string | undefined)[]).includes(kind)) {
    const reason = `The result's kind is ${JSON.stringify(kind)}; expected one of ${KINDS.join(", ")}.`;
    return { ok: false, reason };
  }
  const reading = readResult({ v: 2, kind, summary, branch, rev, substrate: { fault, error } });
  const doubt = doubtAbout(parts.length, branch, rev);
  return doubt === null ? reading : { ...reading, doubt };
}

function doubtAbout(parts: number, branch: string, rev: string): string | null {
  if (parts > MOST_PARTS)
    return `It has ${parts} fields and only ${MOST_PARTS} are read: the summary may have held a "|".`;
  const odd = [branch, rev].find((name) => /\s/.test(name));
  if (odd === undefined) return null;
  return `${JSON.stringify(odd)} names no branch or revision: the summary may have held a "|".`;
}
