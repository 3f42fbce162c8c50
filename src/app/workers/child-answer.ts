/**
 * What a child answered, wherever it said so: in its result file, else on the last line of its stdout, else by the way it
 * ended.
 */
import { readFile, stat } from "node:fs/promises";
import { LONGEST_RESULT, type WorkerResult } from "../../domain/result.js";
import type { ChildEnd } from "../../machines/children/child.js";
import type { LastLine } from "../../machines/children/child-log.js";
import { type ParsedResult, parseResult } from "../../workers/result-codec.js";

/** Where the answer was found; the exit alone says the least. */
export type AnswerSource = "file" | "line" | "exit";

export type ChildAnswer =
  | { readonly source: AnswerSource; readonly result: WorkerResult; readonly doubt?: string }
  /** It said something that is no result. */
  | { readonly source: "file" | "line"; readonly unreadable: string }
  /** It was told to end, and said nothing: how it ended is no answer. */
  | { readonly source: "none" };

export interface ChildTraces {
  readonly resultFile: string;
  /** Null when its stdout had no line with something on it. */
  readonly lastLine: LastLine | null;
  readonly end: ChildEnd;
  /** Whether it was told to end before it did. */
  readonly stopped: boolean;
}

/** What is too long to be parsed can only be known by its first words. */
const BEGINS_AS_RESULT = /^(dispatch-result\||\{\s*"(v"\s*:\s*2\b|kind"\s*:))/;
const TOO_LONG = `The last line has more than ${LONGEST_RESULT} bytes; at most so many are read as a result.`;

/** What `fault` is called when something that was not us killed the child: the work has said nothing about itself. */
const KILLED = "killed";

export async function readAnswer({ resultFile, lastLine, end, stopped }: ChildTraces): Promise<ChildAnswer> {
  const written = await readResultFile(resultFile);
  if (written !== null) return toAnswer("file", written);
  const said = lastLine === null ? null : resultOnLine(lastLine);
  if (said !== null) return toAnswer("line", said);
  return stopped ? { source: "none" } : { source: "exit", result: resultOfExit(end) };
}

function toAnswer(source: "file" | "line", parsed: ParsedResult): ChildAnswer {
  if (!parsed.ok) return { source, unreadable: parsed.reason };
  return { source, result: parsed.result, ...(parsed.doubt !== undefined && { doubt: parsed.doubt }) };
}

/** Null when there is nothing in it. */
async function readResultFile(path: string): Promise<ParsedResult | null> {
  try {
    const facts = await stat(path);
    // Reading what is no file may never end.
    if (!facts.isFile()) return { ok: false, reason: "The result file is not a regular file." };
    if (facts.size > LONGEST_RESULT) {
      const reason = `The result file has ${facts.size} bytes; at most ${LONGEST_RESULT} are read.`;
      return { ok: false, reason };
    }
    const text = (await readFile(path, "utf8")).trim();
    return text === "" ? null : parseResult(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    return { ok: false, reason: `The result file cannot be read: ${(error as Error).message}.` };
  }
}

/** Null for a line that does not mean to be a result: many programs end with a line of JSON. */
function resultOnLine({ text: line, isCut }: LastLine): ParsedResult | null {
  if (isCut) return BEGINS_AS_RESULT.test(line) ? { ok: false, reason: TOO_LONG } : null;
  const parsed = parseResult(line);
  return parsed.ok || line.startsWith("dispatch-result|") || meansToBeResult(line) ? parsed : null;
}

function meansToBeResult(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    const { v, kind } = JSON.parse(line) as { readonly v?: unknown; readonly kind?: unknown };
    return v === 2 && kind !== undefined;
  } catch {
    // It is no JSON, so it is text like any other.
    return false;
  }
}

function resultOfExit({ code, signal }: ChildEnd): WorkerResult {
  if (code === 0) return { v: 2, kind: "success", summary: "" };
  if (code !== null) return { v: 2, kind: "fail", summary: `The command ended with exit code ${code}.` };
  const summary = `The command was ended by ${signal}.`;
  return { v: 2, kind: "fail", summary, substrate: { fault: KILLED, error: "" } };
}
