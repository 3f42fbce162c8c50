/** Who a task is: its id, and what makes a second submission under that id the same task. */
import { canonicalJson, type JsonValue } from "./canonical-json.js";
import { WaybillError } from "./errors.js";

/** The forms of RFC 9562 that parsers of other languages take: plain, without hyphens, in braces, as a URN. */
const UUID = /^(?:urn:uuid:|(\{))?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})(\})?$/i;

/** @returns the canonical spelling, so that two spellings name one task. Errors: `invalid_task_id`. */
export function canonicalTaskId(id: string): string {
  const match = UUID.exec(id);
  const hyphens = id.split("-").length - 1;
  if (match === null || match[1]?.length !== match[7]?.length || (hyphens !== 4 && hyphens !== 0)) {
    throw new WaybillError("invalid_task_id", `"${id}" is not a task id; expected a UUID.`, {
      hint: "For example crypto.randomUUID(); without an id the task gets one.",
      details: { id },
    });
  }
  return match.slice(2, 7).join("-").toLowerCase();
}

interface Work {
  readonly type: string;
  readonly params: JsonValue;
}

/** Errors: `task_conflict` unless both are the same work: one type, and params equal as JSON values. */
export function checkSameTask(id: string, known: Work, submitted: Work): void {
  const differs = known.type === submitted.type ? "params" : "type";
  if (differs === "params" && canonicalJson(known.params) === canonicalJson(submitted.params)) return;
  const found = differs === "type" ? `type "${known.type}", not "${submitted.type}"` : "other params";
  throw new WaybillError("task_conflict", `Task ${id} exists with ${found}.`, {
    hint: "Submit other work under an id of its own, or remove the task first.",
    details: { id, differs },
  });
}
