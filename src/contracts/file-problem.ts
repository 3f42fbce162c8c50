/** What is wrong with a file that a person wrote, and where: the shape in which every problem of it is reported at once. */
import { type ErrorCode, WaybillError } from "../domain/errors.js";

/** Keys and list indexes from the file's root to a value. */
export type ValuePath = readonly (string | number)[];

/** One fault. Lines and columns count from 1, columns in UTF-16 units, as editors count them. */
export interface FileProblem {
  readonly line: number;
  readonly column: number;
  /** Where in the document, as people write it: `entries[2].machine`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** What was probably meant, or what to write instead; null when there is nothing to suggest. */
  readonly hint: string | null;
}

/** `["entries", 2, "machine"]` as `entries[2].machine`. */
export function formatPath(path: ValuePath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** `plan.yaml:7:5 unknown key "machin" (did you mean "machine"?)`: a place that editors and terminals can jump to. */
export function formatProblem(fileName: string, problem: FileProblem): string {
  const hint = problem.hint === null ? "" : ` (${problem.hint})`;
  return `${fileName}:${problem.line}:${problem.column} ${problem.message}${hint}`;
}

/** The error that carries all of a file's problems: one line each in the message, as data in `details.problems`. */
export function fileError(code: ErrorCode, fileName: string, problems: readonly FileProblem[]): WaybillError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map((problem) => formatProblem(fileName, problem));
  return new WaybillError(code, [`${fileName} has ${count}:`, ...lines].join("\n"), {
    hint: "Correct the lines named above and try again.",
    details: { file: fileName, problems },
  });
}
