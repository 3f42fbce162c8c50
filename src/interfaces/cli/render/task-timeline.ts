/** A task over time: each attempt a bar, and below it the steps that were done in it. */

import pc from "picocolors";
import type { AttemptView, TaskDetailView } from "../../../contracts/task-views.js";
import { describeDuration } from "../../../domain/duration.js";
import type { WorkerResult } from "../../../domain/result.js";
import { showLabel } from "../../../domain/worker.js";
import { formatAttemptState, toneOfAttempt } from "./task-look.js";
import { printable, table } from "./text.js";

/** Columns of a bar. */
const WIDTH = 32;
/** Rows at most; of long stories the newest part is shown. */
const MOST_ROWS = 60;
/** Of a failure's message. */
const LONGEST = 60;

type StepView = TaskDetailView["steps"][number];

interface Axis {
  readonly from: number;
  readonly until: number;
}

/** Empty for a task that has never begun. */
export async function renderTimeline(task: TaskDetailView, now: number): Promise<string> {
  const axis = { from: Date.parse(task.submitted_at), until: task.ended_at === null ? now : Date.parse(task.ended_at) };
  const rows = task.attempts.flatMap((attempt) => [
    attemptRow(attempt, axis, now),
    ...task.steps
      // Steps are those of the present run; attempts are numbered over all runs.
      .filter((step) => step.attempt === attempt.attempt)
      .map((step) => stepRow(step, axis)),
  ]);
  if (rows.length === 0) return "";
  const shown = rows.slice(-MOST_ROWS);
  const left = rows.length - shown.length;
  const note = left === 0 ? "" : `${pc.dim(`${left} earlier rows are left out`)}\n`;
  const listed = await table(["ATTEMPT", "", "STATE", "TOOK", "BY", ""], shown);
  return `${note}${listed}`;
}

function attemptRow(attempt: AttemptView, axis: Axis, now: number): string[] {
  const end = attempt.ended_at === null ? now : Date.parse(attempt.ended_at);
  const start = Date.parse(attempt.started_at);
  return [
    String(attempt.attempt),
    bar(start, end, axis, toneOfAttempt(attempt.state)),
    attempt.returned === null ? formatAttemptState(attempt.state) : pc.dim(`↩ ${attempt.returned}`),
    describeDuration(Math.max(0, end - start)),
    showLabel(attempt.worker?.agent_id ?? ""),
    printable(firstLine(outcomeOf(attempt))),
  ];
}

/** What its worker answered says more than what that made of the attempt; and where its work lies, for whoever looks at it. */
function outcomeOf({ failure, result }: AttemptView): string {
  const { kind, summary = "", branch, rev } = (result ?? {}) as Partial<WorkerResult>;
  if (kind === undefined) return failure === null ? "" : `${failure.code}: ${failure.message}`;
  const where = [branch, rev].filter((part) => part !== undefined).join(" ");
  const answer = where === "" ? kind : `${kind} (${where})`;
  return summary === "" ? answer : `${answer}: ${summary}`;
}

function stepRow(step: StepView, axis: Axis): string[] {
  const [start, end] = [Date.parse(step.started_at), Date.parse(step.ended_at)];
  return [
    `  ${printable(step.name)}`,
    bar(start, end, axis, pc.blue),
    pc.dim(step.kind),
    describeDuration(Math.max(0, end - start)),
    "",
    "",
  ];
}

/** Whatever has happened is seen, however short: at least one column. */
function bar(start: number, end: number, { from, until }: Axis, tone: (text: string) => string): string {
  const each = Math.max(1, until - from) / WIDTH;
  const column = (at: number): number => Math.min(WIDTH, Math.max(0, Math.round((at - from) / each)));
  const first = Math.min(WIDTH - 1, column(start));
  const length = Math.max(1, column(end) - first);
  return `${pc.dim("·".repeat(first))}${tone("█".repeat(length))}${pc.dim("·".repeat(WIDTH - first - length))}`;
}

const firstLine = (text: string): string => {
  const [line = ""] = text.split("\n");
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
};
