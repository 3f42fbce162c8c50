/** What tasks read and write, and who is in whose way. */

import { WaybillError } from "../../domain/errors.js";
import { LAST, PathLookout, RUNNING_RANK, type Standing } from "../../domain/path-line.js";
import { normaliseScopes, type PathScope } from "../../domain/path-scope.js";
import { showLabel } from "../../domain/worker.js";
import type { PathHolder } from "../task-store.js";
import { holdPaths, pathLine, readPaths, standingOf } from "./path-places.js";
import { text } from "./rows.js";
import type { SqlScope } from "./session.js";
import type { TaskRow } from "./task-rows.js";

export const PATH_HOLDER = `
  SELECT tasks.id, workers.agent_id FROM tasks LEFT JOIN workers ON workers.owner = tasks.owner WHERE tasks.seq = $seq`;

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

/** The same of a task that runs, which has them at once. */
export function takePaths(scope: SqlScope, seq: number, paths: readonly PathScope[]): void {
  recordPaths(scope, seq, paths);
  if (paths.length > 0) holdPaths(scope, seq, readPaths(scope, seq));
}

/**
 * Everybody who is in the way, those that run first.
 *
 * @param task whose paths these are to be; null for one that comes after all
 */
export function holdersInTheWay(
  scope: SqlScope,
  task: Pick<TaskRow, "seq" | "priority"> | null,
  paths: readonly PathScope[],
): readonly PathHolder[] {
  if (paths.length === 0) return [];
  const runs = ({ rank }: Standing): boolean => rank === RUNNING_RANK;
  return new PathLookout(pathLine(scope))
    .all(task === null ? LAST : standingOf(task), paths)
    .toSorted((a, b) => Number(runs(b.standing)) - Number(runs(a.standing)) || a.standing.seq - b.standing.seq)
    .map(({ standing, scope: path }) => {
      const row = scope.sql(PATH_HOLDER).get({ seq: standing.seq }) ?? {};
      const agentId = row.agent_id as string | null;
      return { taskId: text(row, "id"), agentId, state: runs(standing) ? "running" : "waiting", path };
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
