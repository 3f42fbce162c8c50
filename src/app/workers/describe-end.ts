/** What the log of a worker says of an attempt that is over: what its command said, and what became of that. */
import { WaybillError } from "../../domain/errors.js";
import type { WorkerResult } from "../../domain/result.js";
import type { LogFields } from "../../observe/log.js";
import type { ChildAnswer } from "./child-answer.js";
import type { RecordedEnd } from "./recorded-end.js";

/** For whoever looks on; a summary may be long. */
const LONGEST_SUMMARY = 200;

/**
 * @param recorded how the attempt had ended by then; null when the answer says how it ends
 * @param signal of the attempt: aborted when it was told to end
 */
export function describeEnd(answer: ChildAnswer, recorded: RecordedEnd | null, signal: AbortSignal): LogFields {
  if (recorded === "removed") return { said: null, why: "its task was removed" };
  if (recorded === "taken")
    return { said: null, lost: true, why: "its lease was over, and others have taken the task" };
  if (recorded !== null) {
    const { state, returned, result } = recorded;
    return { recorded: returned ?? state, ...sayResult(result as Partial<WorkerResult> | null) };
  }
  return { ...sayAnswer(answer), ...(signal.aborted && { why: reasonOf(signal) }) };
}

function sayAnswer(answer: ChildAnswer): LogFields {
  if (answer.source === "none") return { said: null };
  if ("unreadable" in answer) return { said: "unreadable", unreadable: answer.unreadable };
  const { result, doubt } = answer;
  return { ...sayResult(result), ...(doubt !== undefined && { doubt }) };
}

function sayResult(result: Partial<WorkerResult> | null): LogFields {
  const summary = (result?.summary ?? "").slice(0, LONGEST_SUMMARY);
  return { said: result?.kind ?? null, ...(summary !== "" && { summary }) };
}

/** `timeout: The attempt has passed its time limit.` */
function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof WaybillError ? `${reason.code}: ${reason.message}` : String(reason);
}
