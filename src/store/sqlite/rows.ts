/** Rows of the smaller tables as the domain's records. Together with `run-rows.ts` the only place that casts. */
import {
  type Batch,
  formatSelector,
  type Item,
  type ItemSpec,
  type ItemState,
  parseSelector,
} from "../../domain/batch.js";
import { type ErrorCode, WaybillError } from "../../domain/errors.js";
import type { EventType, WaybillEvent } from "../../domain/event.js";
import type { Lease } from "../../domain/lease.js";
import type { SqlParams, SqlRow } from "./driver.js";

export const text = (row: SqlRow, column: string): string => row[column] as string;
export const integer = (row: SqlRow, column: string): number => row[column] as number;
export const textOrNull = (row: SqlRow, column: string): string | null => row[column] as string | null;
export const integerOrNull = (row: SqlRow, column: string): number | null => row[column] as number | null;

export function itemFromRow(row: SqlRow): Item {
  const selector = parseSelector(text(row, "selector"));
  if (selector === null) {
    throw new WaybillError("store_corrupt", `An item has the selector "${row.selector}"; expected machine:… or tag:….`);
  }
  return {
    name: text(row, "name"),
    dir: text(row, "dir"),
    selector,
    state: row.state as ItemState,
    runId: textOrNull(row, "run_id"),
    machine: textOrNull(row, "machine"),
    errorCode: row.error_code as ErrorCode | null,
    errorMsg: textOrNull(row, "error_msg"),
    spec: JSON.parse(text(row, "spec")) as ItemSpec,
  };
}

export const itemToRow = (batchId: string, position: number, item: Item): SqlParams => ({
  batch_id: batchId,
  position,
  name: item.name,
  dir: item.dir,
  selector: formatSelector(item.selector),
  state: item.state,
  run_id: item.runId,
  machine: item.machine,
  error_code: item.errorCode,
  error_msg: item.errorMsg,
  spec: JSON.stringify(item.spec),
});

export const batchFromRow = (row: SqlRow): Omit<Batch, "items"> => ({
  id: text(row, "id"),
  planHash: text(row, "plan_hash"),
  staging: text(row, "staging"),
  createdBy: text(row, "created_by"),
  source: text(row, "source"),
  createdAt: integer(row, "created_at"),
  expectedCount: integer(row, "expected_count"),
  cancelRequestedAt: integerOrNull(row, "cancel_requested_at"),
});

/** @returns null for the row of a lease that was given back. */
export function leaseFromRow(row: SqlRow): Lease | null {
  if (row.holder_host === null) return null;
  return {
    name: text(row, "name"),
    fence: integer(row, "fence"),
    holder: {
      host: text(row, "holder_host"),
      boot: text(row, "holder_boot"),
      pid: integer(row, "holder_pid"),
      pidStart: text(row, "holder_pid_start"),
    },
    purpose: text(row, "purpose"),
    acquiredAt: integer(row, "acquired_at"),
    expiresAt: integer(row, "expires_at"),
  };
}

export const eventFromRow = (row: SqlRow): WaybillEvent => ({
  sequence: integer(row, "sequence"),
  at: integer(row, "at"),
  type: row.type as EventType,
  subject: text(row, "subject"),
  batchId: textOrNull(row, "batch_id"),
  data: JSON.parse(text(row, "data")) as WaybillEvent["data"],
});
