/** What tasks read and write, who has it now, and who is in whose way. */

import { WaybillError } from "../../domain/errors.js";
import { type InTheWay, PathHolders } from "../../domain/path-holders.js";
import { normaliseScopes, type PathMode, type PathScope } from "../../domain/path-scope.js";
import { showLabel } from "../../domain/worker.js";
import type { PathHolder } from "../task-store.js";
import type { SqlRow } from "./driver.js";
import { integer, text } from "./rows.js";
import type { SqlScope } from "./session.js";
import type { TaskRow } from "./task-rows.js";

export const PATHS_OF_TASK = "SELECT mode, space, pattern FROM task_paths WHERE seq = $seq";

const HOLDER_COLUMNS = "tasks.seq, tasks.id, tasks.priority, workers.agent_id, mode, space, pattern";
export const RUNNING_PATHS = `
  SELECT ${HOLDER_COLUMNS} FROM tasks CROSS JOIN task_paths ON task_paths.seq = tasks.seq
  LEFT JOIN workers ON workers.owner = tasks.owner WHERE tasks.has_paths = 1 AND tasks.state = 'running'`;
export const WAITING_PATHS = `
  SELECT ${HOLDER_COLUMNS} FROM path_waits CROSS JOIN tasks ON tasks.seq = path_waits.seq
  CROSS JOIN task_paths ON task_paths.seq = tasks.seq LEFT JOIN workers ON workers.owner = tasks.owner`;

const pathFromRow = (row: SqlRow): PathScope => ({
  mode: row.mode as PathMode,
  space: text(row, "space"),
  pattern: text(row, "pattern"),
});

export const readPaths = (scope: SqlScope, seq: number): readonly PathScope[] =>
  scope.sql(PATHS_OF_TASK).all({ seq }).map(pathFromRow);

const NO_PATHS: readonly PathScope[] = [];

/** The same of a row, without a look for the many that have none. */
export const pathsOfRow = (scope: SqlScope, row: Pick<TaskRow, "seq" | "has_paths">): readonly PathScope[] =>
  row.has_paths === 1 ? readPaths(scope, row.seq) : NO_PATHS;

/** Adds to what a task reads and writes. Errors: `invalid_input` (`normaliseScopes`), also when it has too many then. */
export function recordPaths(scope: SqlScope, seq: number, paths: readonly PathScope[]): void {
  if (paths.length === 0) return;
  const insert = "INSERT OR IGNORE INTO task_paths (seq, mode, space, pattern) VALUES ($seq, $mode, $space, $pattern)";
  for (const path of normaliseScopes([...readPaths(scope, seq), ...paths])) scope.sql(insert).run({ seq, ...path });
  scope.sql("UPDATE tasks SET has_paths = 1 WHERE seq = $seq").run({ seq });
}

/** Where a task stands among others: by priority, then age. */
type Standing = Pick<TaskRow, "seq" | "priority">;

interface Holder extends Standing {
  readonly id: string;
  readonly agentId: string | null;
  /** Otherwise it waits for paths itself, and those that come after it leave its own to it. */
  readonly running: boolean;
}

const isBefore = (a: Standing, b: Standing): boolean =>
  a.priority > b.priority || (a.priority === b.priority && a.seq < b.seq);

const holderFromRow = (row: SqlRow, running: boolean): Holder => ({
  seq: integer(row, "seq"),
  id: text(row, "id"),
  priority: integer(row, "priority"),
  agentId: row.agent_id as string | null,
  running,
});

/** All paths that are held or waited for, as they are in this write; what is taken meanwhile is added. */
export class PathsInUse {
  readonly #holders = new PathHolders<Holder>();

  constructor(scope: SqlScope) {
    this.#addAll(scope.sql(RUNNING_PATHS).all(), true);
    this.#addAll(scope.sql(WAITING_PATHS).all(), false);
  }

  /** Those that wait are added as they stand, so that the nearest one before a task is found first. */
  #addAll(rows: readonly SqlRow[], running: boolean): void {
    const bySeq = new Map<number, { readonly holder: Holder; readonly paths: PathScope[] }>();
    for (const row of rows) {
      const seq = integer(row, "seq");
      const held = bySeq.get(seq) ?? { holder: holderFromRow(row, running), paths: [] };
      held.paths.push(pathFromRow(row));
      bySeq.set(seq, held);
    }
    const held = [...bySeq.values()].sort((a, b) => (isBefore(a.holder, b.holder) ? -1 : 1));
    for (const { holder, paths } of held) this.#holders.add(holder, paths);
  }

  add(task: Standing & Pick<TaskRow, "id">, paths: readonly PathScope[], running: boolean): void {
    const { seq, id, priority } = task;
    this.#holders.add({ seq, id, priority, agentId: null, running }, paths);
  }

  /** @param task whose paths these are to be; null for one that comes after all. */
  inTheWayOf(task: Standing | null, paths: readonly PathScope[]): Iterable<InTheWay<Holder>> {
    return this.#holders.inTheWayOf(paths, (holder) => {
      if (task === null) return true;
      return holder.running ? holder.seq !== task.seq : isBefore(holder, task);
    });
  }
}

/** Everybody who is in the way, those that run first. */
export function holdersInTheWay(
  scope: SqlScope,
  task: Standing | null,
  paths: readonly PathScope[],
): readonly PathHolder[] {
  if (paths.length === 0) return [];
  return [...new PathsInUse(scope).inTheWayOf(task, paths)]
    .sort((a, b) => Number(b.holder.running) - Number(a.holder.running) || a.holder.seq - b.holder.seq)
    .map(({ holder: { id, agentId, running }, scope: path }) => {
      return { taskId: id, agentId, state: running ? "running" : "waiting", path };
    });
}

/** @param subject who cannot have its paths, as in "Task ID" */
export function refusePaths(subject: string, holders: readonly PathHolder[]): WaybillError {
  const named = holders.map(({ taskId, agentId, state, path }) => {
    const who = agentId === null ? taskId : `${taskId} (${showLabel(agentId)})`;
    return `${path.mode === "write" ? "written" : "read"} as ${path.pattern} by task ${who}, which ${
      state === "running" ? "runs" : "comes first"
    }`;
  });
  return new WaybillError("paths_conflict", `${subject} cannot have its paths: they are ${named.join("; ")}.`, {
    hint: "Wait until these tasks have ended, or take another task.",
    details: {
      holders: holders.map(({ taskId, agentId, state, path }) => ({
        task_id: taskId,
        agent_id: agentId,
        state,
        ...path,
      })),
    },
  });
}
