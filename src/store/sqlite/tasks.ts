import type { Task } from "../../domain/task.js";
import { isEndedTask } from "../../domain/task.js";
import type { RetriedTasks, Submitted, TaskStore } from "../task-store.js";
import { appendEvent } from "./event-log.js";
import { signalOwner, vacateClaim } from "./owners.js";
import type { Session, SqlScope } from "./session.js";
import { LIMIT } from "./statements.js";
import { afterEnd, endWaitingTask } from "./task-gates.js";
import { cancelledBy } from "./task-moves.js";
import { holdersInTheWay, pathsOfRow } from "./task-paths.js";
import { readTask, taskQueries, typesIn } from "./task-queries.js";
import { listReady } from "./task-ready.js";
import { retryEnded } from "./task-retry.js";
import { readTaskRow, toTaskRow } from "./task-rows.js";
import { submitAll, submitTasks } from "./task-submit.js";

/** Submissions that share a savepoint: enough that its cost is nothing, few enough that a group ends in time. */
const CHUNK = 500;

/** The oldest failed tasks of a type. */
export const FAILED_OF_TYPE = `SELECT * FROM tasks WHERE type = $type AND state = 'failed' AND seq > $after ORDER BY seq ${LIMIT}`;

function requestCancel(scope: SqlScope, id: string, by: string): Task | null {
  const row = readTaskRow(scope, id);
  if (row === null) return null;
  if (isEndedTask(row.state) || row.cancel_requested_at !== null) return readTask(scope, id);
  const sql = "UPDATE tasks SET cancel_requested_at = $now WHERE seq = $seq";
  scope.sql(sql).run({ seq: row.seq, now: scope.now() });
  appendEvent(scope, { type: "task.cancel_requested", subject: id, data: { by } });
  if (row.state === "running") signalOwner(scope, row, "cancel");
  else endWaitingTask(scope, row, "cancelled", cancelledBy(row));
  return readTask(scope, id);
}

/** Steps, log and attempts go with the row; the fence of a running attempt goes too, so that nothing can bring it back. */
export function removeTask(scope: SqlScope, id: string): boolean {
  const row = readTaskRow(scope, id);
  if (row === null) return false;
  if (row.state === "running") signalOwner(scope, row, "removed");
  scope.sql("DELETE FROM tasks WHERE seq = $seq").run({ seq: row.seq });
  appendEvent(scope, { type: "task.removed", subject: id, data: { state: row.state, fence: row.fence } });
  vacateClaim(scope, row);
  afterEnd(scope, row, isEndedTask(row.state) ? row.state : null);
  return true;
}

function retryFailed(scope: SqlScope, types: readonly string[] | null, after: number, limit: number): RetriedTasks {
  const found = (types ?? typesIn(scope)).flatMap((type) => scope.sql(FAILED_OF_TYPE).all({ type, after, limit }));
  const rows = found
    .map(toTaskRow)
    .sort((a, b) => a.seq - b.seq)
    .slice(0, limit);
  const retried = rows.filter((row) => retryEnded(scope, row)).length;
  return { retried, next: rows.length < limit ? null : (rows.at(-1)?.seq ?? null) };
}

async function submitInChunks(
  session: Session,
  tasks: Parameters<TaskStore["submitTasks"]>[0],
): Promise<readonly Submitted[]> {
  if (tasks.length <= CHUNK) return session.write(() => submitTasks(session, tasks));
  const chunks: Promise<readonly Submitted[]>[] = [];
  for (let at = 0; at < tasks.length; at += CHUNK) {
    const chunk = tasks.slice(at, at + CHUNK);
    chunks.push(session.write(() => submitTasks(session, chunk)));
  }
  // Every chunk is waited for, also after one has failed: the caller hears of it once nothing more is under way.
  const settled = await Promise.allSettled(chunks);
  return settled.flatMap((chunk) => {
    if (chunk.status === "rejected") throw chunk.reason;
    return chunk.value;
  });
}

export function sqliteTasks(session: Session): TaskStore {
  return {
    ...taskQueries(session),
    submitTasks: (tasks) => submitInChunks(session, tasks),
    submitAll: (tasks) => session.write(() => submitAll(session, tasks)),
    listReady: (filter) => session.snapshot(() => listReady(session, filter)),
    pathsOf: (id) =>
      session.snapshot(() => {
        const row = readTaskRow(session, id);
        return row === null ? [] : pathsOfRow(session, row);
      }),
    pathHolders: (id) =>
      session.snapshot(() => {
        const row = readTaskRow(session, id);
        return row === null ? [] : holdersInTheWay(session, row, pathsOfRow(session, row));
      }),
    requestTaskCancel: (id, by) => session.write(() => requestCancel(session, id, by)),
    retryTask: (id) =>
      session.write(() => {
        const row = readTaskRow(session, id);
        return row !== null && retryEnded(session, row) ? readTask(session, id) : null;
      }),
    retryFailed: (types, after, limit) => session.write(() => retryFailed(session, types, after, limit)),
    removeTask: (id) => session.write(() => removeTask(session, id)),
  };
}
