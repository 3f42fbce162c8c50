/** Why a task that was asked for by its id is not given. */

import { WaybillError } from "../../domain/errors.js";
import type { TaskGate } from "../../domain/task.js";
import { showLabel } from "../../domain/worker.js";
import { readPaths } from "./path-places.js";
import type { SqlScope } from "./session.js";
import { holdersInTheWay, refusePaths } from "./task-paths.js";
import { readTaskRow, type TaskRow } from "./task-rows.js";
import { readWorkers } from "./worker-records.js";

const WAITS: Readonly<Record<Exclude<TaskGate, "paths">, readonly [what: string, hint: string]>> = {
  open: ["the limits of its queue", "Wait until others of its type have ended, or change the limits of its queue."],
  key: ["another task of its concurrency key", "Wait until that has ended."],
  dependencies: ["the end of other tasks", "See which with `waybill why`."],
  answer: ["a person's answer", "Answer it with `waybill tasks answer`."],
  review: ["a person's review", "Accept it, or send it back, with `waybill tasks answer`."],
};

/** To be called in the write that could not claim it. */
export function readHeldBack(scope: SqlScope, id: string): WaybillError {
  const row = readTaskRow(scope, id);
  if (row === null) return new WaybillError("task_not_found", `There is no task ${id}.`, { details: { id } });
  if (row.state === "running") return executed(scope, row);
  if (row.state === "queued" && row.gate === "paths") {
    return refusePaths(`Task ${id}`, holdersInTheWay(scope, row, readPaths(scope, row.seq)));
  }
  if (row.state === "queued" && row.gate !== "paths") {
    const [what, hint] = WAITS[row.gate];
    return refusal(row, `it waits for ${what}`, hint);
  }
  if (row.state === "scheduled") return refusal(row, `it is not due before ${dueTime(row)}`, "Wait until then.");
  return refusal(
    row,
    `it is ${row.state}`,
    "A failed or cancelled task can be tried again with `waybill tasks retry`.",
  );
}

function executed(scope: SqlScope, row: TaskRow): WaybillError {
  const worker = row.owner === null ? undefined : readWorkers(scope, [row.owner]).get(row.owner);
  const who = worker === undefined ? "an engine" : showLabel(worker.agentId);
  const hint = "Wait for it, or take it with `waybill tasks reclaim`.";
  return refusal(row, `${who} executes it`, hint, { agent_id: worker?.agentId ?? null, owner: row.owner });
}

const dueTime = ({ run_at: runAt }: TaskRow): string => new Date(runAt ?? 0).toISOString();

const refusal = (row: TaskRow, why: string, hint: string, details: object = {}): WaybillError =>
  new WaybillError("invalid_state", `Task ${row.id} cannot be claimed: ${why}.`, {
    hint,
    details: { id: row.id, state: row.state, gate: row.gate, run_at: row.run_at, ...details },
  });
