/** What the answer of a supervised command makes of its attempt. */
import { type ErrorCode, WaybillError } from "../../domain/errors.js";
import { describeLoss, judgeResult } from "../../domain/result.js";
import { plainFailure } from "../../domain/task.js";
import { Verdict } from "../../engine/verdict.js";
import type { ChildAnswer } from "./child-answer.js";

/** Errors: the reason of the signal, when the command was told to end and said nothing. */
export function verdictOf(answer: ChildAnswer, signal: AbortSignal): Verdict {
  if (answer.source === "none") throw signal.reason;
  if ("unreadable" in answer) return failed("invalid_result", answer.unreadable, null);
  const { result, source } = answer;
  const { summary } = result;
  const text = JSON.stringify(result);
  switch (judgeResult(result)) {
    case "complete":
      return new Verdict({ as: "completed" }, text);
    case "review":
      return new Verdict({ as: "waiting", for: "review", question: summary }, text);
    case "answer":
      return new Verdict({ as: "waiting", for: "answer", question: summary }, text);
    case "again":
      return failed(source === "exit" ? "nonzero_exit" : "task_failed", summary, text);
    case "lost":
      return new Verdict({ as: "lost", failure: plainFailure("lost", describeLoss(result)) }, text);
    case "cancel":
      // It was told to end and says so: why it was told decides, which need not be the task's end.
      if (signal.aborted) return failed("cancelled", summary, text);
      return new Verdict({ as: "cancelled", failure: plainFailure("cancelled", summary) }, text);
  }
}

const failed = (code: ErrorCode, message: string, text: string | null): Verdict =>
  new Verdict({ as: "failed", error: new WaybillError(code, message) }, text);
