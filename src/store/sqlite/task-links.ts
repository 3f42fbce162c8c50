import { type DependencyOutcome, judgeDependency } from "../../domain/dependency.js";
import { WaybillError } from "../../domain/errors.js";
import { isEndedTask } from "../../domain/task.js";
import { findWay, refuseCircle } from "../../domain/task-links.js";
import { type Granted, granted, refused } from "../granted.js";
import type { LinkStore, TaskLink } from "../link-store.js";
import type { SqlRow } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { text } from "./rows.js";
import type { Session, SqlScope } from "./session.js";
import { holdForDependencies, openIfFree } from "./task-gates.js";
import { readTaskRow, type TaskRow } from "./task-rows.js";
import { recordDiscovery } from "./task-submit.js";

export const STILL_WAITED_FOR = `
  SELECT on_id FROM tasks CROSS JOIN task_dependencies ON task_dependencies.seq = tasks.seq AND resolved = 0
  WHERE tasks.id = $id`;

/** The links of a task, by the side on which it stands. */
export const BLOCKED_BY = `
  SELECT on_id AS other, outcome FROM task_dependencies WHERE seq = $seq ORDER BY on_id`;
export const BLOCKING = `
  SELECT tasks.id AS other, outcome FROM task_dependencies CROSS JOIN tasks ON tasks.seq = task_dependencies.seq
  WHERE on_id = $id`;
export const DISCOVERED_FROM = "SELECT other_id AS other FROM task_links WHERE seq = $seq";
export const DISCOVERED = `
  SELECT tasks.id AS other FROM task_links CROSS JOIN tasks ON tasks.seq = task_links.seq WHERE other_id = $id`;

const notFound = (id: string): Granted<never> =>
  refused(new WaybillError("task_not_found", `There is no task ${id}.`, { details: { id } }));

function link(scope: SqlScope, wish: TaskLink): Granted<boolean> {
  const [from, to] = [readTaskRow(scope, wish.from), readTaskRow(scope, wish.to)];
  if (from === null) return notFound(wish.from);
  if (to === null) return notFound(wish.to);
  const done = wish.kind === "blocks" ? block(scope, from, to, wish.outcome ?? "completed") : discover(scope, from, to);
  if (done.granted && done.value) tell(scope, "task.linked", wish);
  return done;
}

function tell(scope: SqlScope, type: "task.linked" | "task.unlinked", { from, to, kind }: Omit<TaskLink, "outcome">) {
  appendEvent(scope, { type, subject: to, data: { from, kind } });
}

function discover(scope: SqlScope, from: TaskRow, to: TaskRow): Granted<boolean> {
  if (from.seq !== to.seq) return granted(recordDiscovery(scope, to.seq, from.id) === 1);
  const said = `Task ${to.id} cannot be discovered from itself.`;
  return refused(new WaybillError("invalid_input", said, { hint: "Name another task.", details: { id: to.id } }));
}

const KNOWN = "SELECT outcome, resolved FROM task_dependencies WHERE seq = $seq AND on_id = $id";
const DEPEND = `
  INSERT INTO task_dependencies (seq, on_id, outcome, resolved) VALUES ($seq, $id, $outcome, $resolved)
  ON CONFLICT DO UPDATE SET outcome = excluded.outcome, resolved = excluded.resolved`;

function block(scope: SqlScope, from: TaskRow, to: TaskRow, outcome: DependencyOutcome): Granted<boolean> {
  const verdict = judgeDependency(outcome, from.state);
  const known = scope.sql(KNOWN).get({ seq: to.seq, id: from.id });
  // A retry has waived what the task waited for: then it is to wait again.
  if (known?.outcome === outcome && !(verdict === "waits" && known.resolved === 1)) return granted(false);
  const error = refusalOf(scope, from, to) ?? (verdict === "unmet" ? cannotBeMet(from, to, outcome) : null);
  if (error !== null) return refused(error);
  scope.sql(DEPEND).run({ seq: to.seq, id: from.id, outcome, resolved: verdict === "waits" ? 0 : 1 });
  if (verdict === "waits") holdForDependencies(scope, to);
  else openIfFree(scope, to);
  return granted(true);
}

function refusalOf(scope: SqlScope, from: TaskRow, to: TaskRow): WaybillError | null {
  if (to.state === "running" || isEndedTask(to.state)) {
    return new WaybillError("invalid_state", `Task ${to.id} is ${to.state}; only one that waits can be made to wait.`, {
      hint: "Link tasks before they are claimed.",
      details: { id: to.id, state: to.state },
    });
  }
  const waitsFor = (id: string) =>
    scope
      .sql(STILL_WAITED_FOR)
      .all({ id })
      .map((row) => text(row, "on_id"));
  const way = findWay(from.id, to.id, waitsFor);
  return way === null ? null : refuseCircle(way);
}

const cannotBeMet = (from: TaskRow, to: TaskRow, outcome: DependencyOutcome): WaybillError =>
  new WaybillError(
    "invalid_state",
    `Task ${from.id} has ended as ${from.state}; ${to.id} cannot wait for it to be ${outcome}.`,
    {
      hint: "Try the one again first, or link them with the outcome `ended`.",
      details: { id: from.id, state: from.state, outcome },
    },
  );

function unlink(scope: SqlScope, wish: Parameters<LinkStore["unlink"]>[0]): boolean {
  const to = readTaskRow(scope, wish.to);
  if (to === null) return false;
  const table = wish.kind === "blocks" ? "task_dependencies WHERE on_id" : "task_links WHERE other_id";
  const gone = scope.sql(`DELETE FROM ${table} = $from AND seq = $seq`).run({ from: wish.from, seq: to.seq }) > 0;
  if (!gone) return false;
  tell(scope, "task.unlinked", wish);
  if (wish.kind === "blocks") openIfFree(scope, to);
  return true;
}

function linksOf(scope: SqlScope, id: string): readonly TaskLink[] {
  const row = readTaskRow(scope, id);
  if (row === null) return [];
  const sides: readonly (readonly [sql: string, toLink: (other: string, found: SqlRow) => TaskLink])[] = [
    [BLOCKED_BY, (other, found) => ({ from: other, to: id, kind: "blocks", outcome: outcomeOf(found) })],
    [BLOCKING, (other, found) => ({ from: id, to: other, kind: "blocks", outcome: outcomeOf(found) })],
    [DISCOVERED_FROM, (other) => ({ from: other, to: id, kind: "discovered_from", outcome: null })],
    [DISCOVERED, (other) => ({ from: id, to: other, kind: "discovered_from", outcome: null })],
  ];
  const params = { id, seq: row.seq };
  return sides.flatMap(([sql, toLink]) =>
    scope
      .sql(sql)
      .all(params)
      .map((found) => toLink(text(found, "other"), found)),
  );
}

const outcomeOf = (row: SqlRow): DependencyOutcome => row.outcome as DependencyOutcome;

export function sqliteLinks(session: Session): LinkStore {
  return {
    link: (wish) => session.write(() => link(session, wish)),
    unlink: (wish) => session.write(() => unlink(session, wish)),
    linksOf: (id) => session.snapshot(() => linksOf(session, id)),
  };
}
