/** Tasks for people. */

import pc from "picocolors";
import type { SpannedTaskView, TaskDetailView, TaskView } from "../../../contracts/task-views.js";
import { nameOf } from "../../../domain/task-name.js";
import { showLabel } from "../../../domain/worker.js";
import { formatTaskState } from "./task-look.js";
import { renderNote } from "./task-thread.js";
import { renderTimeline } from "./task-timeline.js";
import { elapsed, facts, formatTime, printable, shortId, shortJson, table } from "./text.js";

/** @param paused types that are paused */
export async function renderTasks(
  tasks: readonly TaskView[],
  next: string | null,
  paused: readonly string[],
): Promise<string> {
  if (tasks.length === 0) return "No tasks.";
  const now = Date.now();
  const named = tasks.some(({ tags }) => nameOf(tags) !== null);
  const rows = tasks.map((task) => [
    shortId(task.id),
    printable(task.type),
    ...(named ? [printable(nameOf(task.tags) ?? "")] : []),
    formatTaskState(task.state),
    waitsFor(task, paused.includes(task.type), now),
    formatTime(task.submitted_at, now),
    tookOf(task, now),
    task.attempt > 1 ? String(task.attempt) : "",
    printable(errorOf(task)),
  ]);
  const name = named ? ["NAME"] : [];
  const head = ["TASK", "TYPE", ...name, "STATE", "WAITS FOR", "SUBMITTED", "LAST TOOK", "ATTEMPT", "ERROR"];
  const listed = await table(head, rows);
  return next === null ? listed : `${listed}\n${pc.dim(`more: --before ${next}`)}`;
}

function waitsFor({ state, gate, run_at: runAt }: TaskView, paused: boolean, now: number): string {
  if (state === "scheduled") return formatTime(runAt, now);
  if (state !== "queued") return "";
  const waits = {
    open: paused ? "paused" : "an engine or worker",
    key: "its key",
    dependencies: "other tasks",
    paths: "paths",
  };
  return { ...waits, answer: "an answer", review: "a review" }[gate];
}

/** How long its newest attempt runs or ran; what waits takes no time. */
const tookOf = ({ state, started_at: startedAt, ended_at: endedAt }: TaskView, now: number): string =>
  endedAt === null && state !== "running" ? "" : elapsed(startedAt, endedAt, now);

/** The engine's own codes say more than the class by which they came; for what a handler threw it is the other way round. */
const errorOf = ({ failure }: TaskView): string =>
  failure?.code === "task_failed" ? (failure.name ?? failure.code) : (failure?.code ?? "");

/** `2.6 s (3 attempts)`: from the begin of the first attempt of a task's run, so with the pauses between them. */
function spanOf(task: SpannedTaskView, now: number): string {
  const { state, first_started_at: from, started_at: last, ended_at: endedAt, attempts_of_run: attempts } = task;
  if (endedAt === null && state !== "running") return "";
  return `${elapsed(from ?? last, endedAt, now)}${attempts > 1 ? ` (${attempts} attempts)` : ""}`;
}

/** ` in 2.6 s`; where the first begin is not known, of the last attempt alone. */
function formatTook(task: TaskView | SpannedTaskView, now: number): string {
  const isSpanned = "first_started_at" in task;
  const took = isSpanned ? spanOf(task, now) : tookOf(task, now);
  if (took === "") return "";
  const last = isSpanned || task.attempt <= 1 ? "" : ` (attempt ${task.attempt})`;
  return ` ${task.ended_at === null ? "for" : "in"} ${took}${last}`;
}

/** One line: what became of it. */
export function renderTaskOutcome(task: TaskView | SpannedTaskView): string {
  const parts = [
    `${formatTaskState(task.state)}${formatTook(task, Date.now())}`,
    task.state === "queued" && task.gate !== "open" ? `waits for ${waitsFor(task, false, 0)}` : null,
    task.failure === null ? null : `${task.failure.code}: ${printable(task.failure.message)}`,
    task.cancel_requested_at !== null && task.ended_at === null ? "told to stop" : null,
    `task ${task.id} of type ${printable(task.type)}`,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

export async function renderTaskDetail(task: TaskDetailView): Promise<string> {
  const now = Date.now();
  const timeline = await renderTimeline(task, now);
  const related = [
    ...task.dependencies.map((on) => ["waits for", shortId(on.id), on.type ?? "", on.outcome, stateOf(on.state)]),
    ...task.path_holders.map((on) => ["wants paths of", shortId(on.id), showLabel(on.agent_id ?? ""), "", on.state]),
    ...task.links.flatMap((link) => foundBy(task.id, link)),
    ...task.children.map((child) => ["child", shortId(child.id), printable(child.type), "", stateOf(child.state)]),
  ];
  const log = task.log.map(
    ({ at, attempt, line }) => `${pc.dim(`${formatTime(at, now)} #${attempt}`)} ${printable(line)}`,
  );
  const parts = [
    factsOf(task, now),
    timeline,
    related.length === 0 ? "" : await table(["", "TASK", "TYPE", "UNTIL", "STATE"], related),
    task.notes.map(renderNote).join("\n"),
    log.join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** What holds others back is among what they wait for. */
const foundBy = (id: string, { from, to, kind }: TaskDetailView["links"][number]): string[][] =>
  kind === "blocks" ? [] : [[to === id ? "found during" : "led to", shortId(to === id ? from : to), "", "", ""]];

export const pathOf = ({ mode, space, pattern }: TaskDetailView["paths"][number]): string =>
  `${mode} ${space === "" ? "" : `${space}:`}${pattern}`;

const stateOf = (state: TaskView["state"] | null): string =>
  state === null ? pc.dim("removed") : formatTaskState(state);

function factsOf(task: TaskDetailView, now: number): string {
  const { failure } = task;
  const own = task.attempts.filter(({ run }) => run === task.run);
  const span = { ...task, first_started_at: own[0]?.started_at ?? null, attempts_of_run: own.length };
  const most = task.max_attempts === null ? "" : ` of ${task.max_attempts}`;
  return facts([
    ["task", task.id],
    ["name", printable(nameOf(task.tags) ?? "")],
    ["type", printable(task.type)],
    ["state", formatTaskState(task.state)],
    ["waits for", waitsFor(task, task.paused, now)],
    ["question", task.question === null ? null : printable(task.question)],
    ["failure", failure === null ? null : printable(`${failure.code}: ${failure.message}`)],
    ["thrown", failure?.name],
    ["params", shortJson(task.params)],
    ["result", shortJson(task.result)],
    ["progress", shortJson(task.progress)],
    ["priority", task.priority === 0 ? null : task.priority],
    ["run", task.run === 1 ? null : task.run],
    ["failed attempts", task.failures === 0 ? null : `${task.failures}${most}`],
    ["crashes", task.crashes === 0 ? null : task.crashes],
    ["executed by", printable(task.engine ?? "")],
    ["lease until", task.lease_expires_at],
    ["paths", printable(task.paths.map(pathOf).join(", "))],
    ["submitted", `${task.submitted_at}${task.created_by === null ? "" : ` by ${printable(task.created_by)}`}`],
    ["started", span.first_started_at ?? task.started_at],
    ["ended", task.ended_at],
    ["duration", spanOf(span, now)],
    ["deadline", task.deadline_at],
    ["told to stop", task.ended_at === null ? task.cancel_requested_at : null],
    ["concurrency key", printable(task.concurrency_key ?? "")],
    ["unique key", printable(task.unique_key ?? "")],
    ["tags", printable(task.tags.join(", "))],
    ["parent", task.parent_id],
    ["schedule", printable(task.schedule ?? "")],
  ]);
}
