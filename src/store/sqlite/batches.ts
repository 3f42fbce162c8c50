import { type Batch, type Item, mergeItem, type NewBatch } from "../../domain/batch.js";
import { WaybillError } from "../../domain/errors.js";
import type { NewRun } from "../../domain/run.js";
import type { BatchStore, ItemDispatch } from "../batch-store.js";
import type { Dispatch } from "../run-store.js";
import {
  BATCHES_WITH_QUEUED,
  listBatchesSql,
  listBatchParams,
  readBatch,
  readItem,
  readItems,
} from "./batch-queries.js";
import { appendEvent } from "./event-log.js";
import { drainOf } from "./machines.js";
import { batchFromRow, itemToRow, text } from "./rows.js";
import { prepare } from "./run-placement.js";
import { runFromRow } from "./run-rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

const INSERT_BATCH = `
  INSERT INTO batches (id, plan_hash, staging, created_by, source, created_at, expected_count)
  VALUES ($id, $plan_hash, $staging, $created_by, $source, $created_at, $expected_count)`;
const INSERT_ITEM = `
  INSERT INTO batch_items
    (batch_id, position, name, dir, selector, state, run_id, machine, error_code, error_msg, spec)
  VALUES ($batch_id, $position, $name, $dir, $selector, $state, $run_id, $machine, $error_code, $error_msg, $spec)`;
/** Leaves a decided item alone even if the caller did not look: a decision is made once. */
const DECIDE = `
  UPDATE batch_items
  SET state = $state, run_id = $run_id, machine = $machine, error_code = $error_code, error_msg = $error_msg
  WHERE batch_id = $batch_id AND name = $name AND state = 'queued'`;
export const BY_PLAN = "SELECT id FROM batches WHERE plan_hash = $plan_hash AND staging = $staging";
export const BY_ENTRY = "SELECT * FROM runs WHERE batch_id = $batch_id AND plan_entry = $plan_entry";

function findByPlan(session: Session, planHash: string, staging: string): Batch | null {
  const row = session.sql(BY_PLAN).get({ plan_hash: planHash, staging });
  return row === undefined ? null : readBatch(session, text(row, "id"));
}

function createBatch(session: Session, made: NewBatch): { outcome: "created" | "existing"; batch: Batch } {
  const existing = findByPlan(session, made.planHash, made.staging);
  if (existing !== null) return { outcome: "existing", batch: existing };
  const { id, planHash, staging, createdBy, source, items } = made;
  const createdAt = session.now();
  const expectedCount = items.length;
  session.sql(INSERT_BATCH).run({
    id,
    plan_hash: planHash,
    staging,
    created_by: createdBy,
    source,
    created_at: createdAt,
    expected_count: expectedCount,
  });
  for (const [position, item] of items.entries()) session.sql(INSERT_ITEM).run(itemToRow(id, position, item));
  const data = { staging, source, expected_count: expectedCount, created_by: createdBy };
  appendEvent(session, { type: "batch.created", subject: id, batchId: id, data });
  const batch = { id, planHash, staging, createdBy, source, items, createdAt, expectedCount, cancelRequestedAt: null };
  return { outcome: "created", batch };
}

/** Stores an item's decision with its event. */
function decide(session: Session, batchId: string, item: Item): void {
  const { name, state, runId, machine, errorCode, errorMsg } = item;
  const decision = { state, run_id: runId, machine, error_code: errorCode, error_msg: errorMsg };
  session.sql(DECIDE).run({ batch_id: batchId, name, ...decision });
  const type = state === "dispatched" ? "batch.item_dispatched" : "batch.item_skipped";
  const { state: _, ...facts } = decision;
  appendEvent(session, { type, subject: batchId, batchId, data: { name, ...facts } });
}

function mergeItems(session: Session, batchId: string, incoming: readonly Item[]): Batch | null {
  const stored = new Map(readItems(session, batchId).map((item) => [item.name, item]));
  for (const item of incoming) {
    const before = stored.get(item.name);
    if (before === undefined) continue;
    const after = mergeItem(before, item);
    if (after === before) continue;
    stored.set(item.name, after);
    decide(session, batchId, after);
  }
  return readBatch(session, batchId);
}

function dispatchItem(
  session: Session,
  batchId: string,
  name: string,
  dispatch: Dispatch,
  make: () => NewRun,
): ItemDispatch {
  const item = readItem(session, batchId, name);
  if (item === null) {
    throw new WaybillError("batch_not_found", `There is no batch ${batchId} with an item "${name}".`, {
      hint: "It may have been removed; `waybill batch list` shows what there is.",
      details: { batchId, name },
    });
  }
  if (item.state !== "queued") return { decided: false, reason: "already", item };
  const own = session.sql(BY_ENTRY).get({ batch_id: batchId, plan_entry: name });
  if (own === undefined && drainOf(session, dispatch.machine) !== null) {
    return { decided: false, reason: "drained", item };
  }
  const prepared =
    own === undefined
      ? prepare(session, dispatch, () => ({ ...make(), batchId, planEntry: name }))
      : ({ outcome: "reuse", run: runFromRow(own) } as const);
  if (prepared.outcome === "busy") return { decided: false, reason: "busy", item, prepared };
  const { id: runId, machine } = prepared.run;
  const decided = mergeItem(item, { ...item, state: "dispatched", runId, machine, errorCode: null, errorMsg: null });
  decide(session, batchId, decided);
  return { decided: true, item: decided, prepared };
}

function cancelBatch(session: Session, id: string, by: string): Batch | null {
  const batch = readBatch(session, id);
  if (batch === null) return null;
  if (batch.cancelRequestedAt === null) {
    session.sql("UPDATE batches SET cancel_requested_at = $now WHERE id = $id").run({ id, now: session.now() });
    appendEvent(session, { type: "batch.cancel_requested", subject: id, batchId: id, data: { by } });
  }
  const errorMsg = `The batch was cancelled by ${by}.`;
  const skipped = batch.items.map((item) =>
    mergeItem(item, { ...item, state: "skipped", errorCode: "cancelled", errorMsg }),
  );
  return mergeItems(session, id, skipped);
}

export function sqliteBatches(session: Session): BatchStore {
  return {
    createBatch: (batch) => session.write(() => createBatch(session, batch)),
    getBatch: (id) => session.snapshot(() => readBatch(session, id)),
    findBatchesByPrefix: (prefix, limit) =>
      session.snapshot(() =>
        session
          .sql(`SELECT id FROM batches WHERE id >= $prefix AND id < $prefix || char(0x10FFFF) ORDER BY id ${LIMIT}`)
          .all({ prefix, limit })
          .flatMap((row) => readBatch(session, text(row, "id")) ?? []),
      ),
    listBatches: (filter, page) =>
      session.read(() =>
        session.sql(listBatchesSql(filter, page)).all(listBatchParams(filter, page)).map(batchFromRow),
      ),
    findByPlanHashAndStaging: (planHash, staging) => session.snapshot(() => findByPlan(session, planHash, staging)),
    batchesWithQueuedItems: () =>
      session.snapshot(() =>
        session
          .sql(BATCHES_WITH_QUEUED)
          .all()
          .flatMap((row) => readBatch(session, text(row, "batch_id")) ?? []),
      ),
    mergeItems: (batchId, items) => session.write(() => mergeItems(session, batchId, items)),
    dispatchItem: (batchId, name, dispatch, make) =>
      session.write(() => dispatchItem(session, batchId, name, dispatch, make)),
    cancelBatch: (id, by) => session.write(() => cancelBatch(session, id, by)),
  };
}
