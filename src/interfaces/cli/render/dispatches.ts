/** Dispatches for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import { renderTaskOutcome } from "./tasks.js";
import { printable, shortJson } from "./text.js";

/** How the task stands, and what was answered. */
export function renderDispatch({ outcome, task, result, doubt }: OutputOf<"tasks.dispatch.parent">): string {
  const before = outcome === "existing" ? "had ended before · " : "";
  const lines = [
    `${before}${renderTaskOutcome(task)}`,
    shortJson(result),
    doubt === null ? null : pc.yellow(printable(`in doubt: ${doubt}`)),
  ];
  return lines.filter((line) => line !== null).join("\n");
}

/** The line alone: whoever started the worker reads it off its output. */
export const renderAnswered = ({ line }: OutputOf<"tasks.dispatch.worker">): string => line;
