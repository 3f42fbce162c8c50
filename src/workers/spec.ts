/** A dispatch: which worker is to do which task where, with every name derived from what the parent knows. */
import { isAbsolute } from "node:path";
import { WaybillError } from "../domain/errors.js";
import { isLabel, LONGEST_LABEL } from "../domain/worker.js";

export interface DispatchTask {
  readonly id: string;
  readonly title: string;
  /** Paths that the task is about. */
  readonly files: readonly string[];
}

/** Plain data, frozen; equal arguments give equal specs, whoever asks and whenever. */
export interface WorkerSpec {
  readonly taskId: string;
  readonly title: string;
  readonly files: readonly string[];
  /** Where worker and parent leave notes for each other: the task's own thread. */
  readonly thread: string;
  readonly parentAgentId: string;
  /** A name to show. Two attempts of one task share it; their fences tell them apart. */
  readonly workerAgentId: string;
  readonly workspaceDir: string;
}

/**
 * @param workspaceDir absolute: where the worker is started
 * @throws `invalid_input` for what is empty, too long, or cannot stand on a command line; the message names the field
 */
export function buildSpec(parentAgentId: string, workspaceDir: string, task: DispatchTask): WorkerSpec {
  if (typeof task !== "object" || task === null)
    throw refusal("The task", "is missing", "an object with id, title and files");
  const { id, title, files } = task;
  checkId("The parent's agent id", parentAgentId);
  checkId("The task's id", id);
  const workerAgentId = `${parentAgentId}/${id}`;
  checkId("The worker's agent id, which is the parent's with the task's,", workerAgentId);
  checkText("The title", title);
  checkText("The workspace", workspaceDir);
  if (!isAbsolute(workspaceDir))
    throw refusal("The workspace", `is ${JSON.stringify(workspaceDir)}`, "an absolute path");
  if (!Array.isArray(files)) throw refusal("The list of files", "is none", "a list of paths");
  for (const file of files) {
    checkText("A file", file);
    if (file === "") throw refusal("A file", "has no name", "a path");
  }
  const own = Object.freeze([...files]);
  return Object.freeze({ taskId: id, title, files: own, thread: id, parentAgentId, workerAgentId, workspaceDir });
}

/** What stands on a command line is text without NUL that survives UTF-8. */
function checkText(what: string, value: unknown): asserts value is string {
  if (typeof value !== "string")
    throw refusal(what, `is ${value === undefined ? "missing" : `of type ${typeof value}`}`, "text");
  if (value.includes("\0")) throw refusal(what, "holds a NUL", "text that can stand on a command line");
  if (!value.isWellFormed())
    throw refusal(what, "holds half a surrogate pair", "text that can stand on a command line");
}

function checkId(what: string, value: unknown): asserts value is string {
  checkText(what, value);
  if (!isLabel(value)) throw refusal(what, `has ${value.length} characters`, `1 to ${LONGEST_LABEL}`);
}

const refusal = (what: string, found: string, expected: string): WaybillError =>
  new WaybillError("invalid_input", `${what} ${found}; expected ${expected}.`);
