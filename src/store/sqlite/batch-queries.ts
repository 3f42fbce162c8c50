import type { Batch, Item } from "../../domain/batch.js";
import type { BatchFilter, BatchPage } from "../batch-store.js";
import type { SqlParams } from "./driver.js";
import { batchFromRow, itemFromRow } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

export const ITEMS = "SELECT * FROM batch_items WHERE batch_id = $batch_id ORDER BY position";
export const BATCHES_WITH_QUEUED = "SELECT DISTINCT batch_id FROM batch_items WHERE state = 'queued' ORDER BY batch_id";

export const readItems = (session: Session, batchId: string): readonly Item[] =>
  session.sql(ITEMS).all({ batch_id: batchId }).map(itemFromRow);

export function readItem(session: Session, batchId: string, name: string): Item | null {
  const row = session
    .sql("SELECT * FROM batch_items WHERE batch_id = $batch_id AND name = $name")
    .get({ batch_id: batchId, name });
  return row === undefined ? null : itemFromRow(row);
}

/** Two statements: to be called inside a write or a snapshot. */
export function readBatch(session: Session, id: string): Batch | null {
  const row = session.sql("SELECT * FROM batches WHERE id = $id").get({ id });
  return row === undefined ? null : { ...batchFromRow(row), items: readItems(session, id) };
}

/** The text of a page, newest first. */
export function listBatchesSql(filter: BatchFilter, page: Pick<BatchPage, "before">): string {
  const where: string[] = [];
  if (filter.staging !== undefined) where.push("staging = $staging");
  if (filter.planHash !== undefined) where.push("plan_hash = $plan_hash");
  if (page.before !== undefined) where.push("id < $before");
  return `SELECT * FROM batches${where.length === 0 ? "" : ` WHERE ${where.join(" AND ")}`} ORDER BY id DESC ${LIMIT}`;
}

export const listBatchParams = (filter: BatchFilter, page: BatchPage): SqlParams => ({
  limit: page.limit,
  ...(filter.staging === undefined ? {} : { staging: filter.staging }),
  ...(filter.planHash === undefined ? {} : { plan_hash: filter.planHash }),
  ...(page.before === undefined ? {} : { before: page.before }),
});
