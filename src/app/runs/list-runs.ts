import { toRunView } from "../../contracts/run-views.js";
import { ACTIVE_STATUSES, type RunStatus } from "../../domain/run.js";
import type { RunFilter } from "../../store/run-store.js";
import { findBatch } from "../batches/find-batch.js";
import type { CallHandler } from "../context.js";
import { findRun } from "./find-run.js";
import { wakeDispatcherFor } from "./forsaken.js";

/** Lists runs by key, newest first; filters are applied before the limit. */
export const listRuns: CallHandler<"runs.list"> = async (context, input) => {
  const store = await context.store();
  const statuses: readonly RunStatus[] = [
    ...input.status,
    ...(input.active ? ACTIVE_STATUSES : []),
    ...(input.running ? (["running"] as const) : []),
  ];
  const filter: RunFilter = {
    ...(statuses.length === 0 ? {} : { statuses }),
    ...(input.machine === undefined ? {} : { machine: input.machine }),
    ...(input.batch === undefined ? {} : { batchId: (await findBatch(store, input.batch)).id }),
    ...(input.ref === undefined ? {} : { ref: input.ref }),
    ...(input.kind === undefined ? {} : { kind: input.kind }),
    ...(input.created_by === undefined ? {} : { createdBy: input.created_by }),
    ...(input.source === undefined ? {} : { source: input.source }),
    ...(input.client === undefined ? {} : { client: input.client }),
    ...(input.session === undefined ? {} : { session: input.session }),
  };
  const before = input.before === undefined ? {} : { before: (await findRun(store, input.before)).id };
  const runs = await store.runs.listRuns(filter, { ...before, limit: input.limit });
  await wakeDispatcherFor(context, runs);
  return { runs: runs.map(toRunView), next: runs.length < input.limit ? null : (runs.at(-1)?.id ?? null) };
};
