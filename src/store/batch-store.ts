import type { Batch, Item, NewBatch } from "../domain/batch.js";
import type { NewRun } from "../domain/run.js";
import type { Dispatch, Prepared } from "./run-store.js";

export interface BatchPage {
  readonly before?: string;
  readonly limit: number;
}

export interface BatchFilter {
  readonly staging?: string;
  readonly planHash?: string;
}

export type ItemDispatch =
  | { readonly decided: true; readonly item: Item; readonly prepared: Prepared }
  /** The machine takes no new work, the item is still queued. */
  | { readonly decided: false; readonly reason: "drained"; readonly item: Item }
  /** The machine had no slot, the item is still queued. */
  | { readonly decided: false; readonly reason: "busy"; readonly item: Item; readonly prepared: Prepared }
  /** Somebody else decided first; `item` says what. */
  | { readonly decided: false; readonly reason: "already"; readonly item: Item };

export interface BatchStore {
  /** Records a batch, or answers with the one that exists for (plan hash, staging), in one critical section. */
  createBatch(batch: NewBatch): Promise<{ readonly outcome: "created" | "existing"; readonly batch: Batch }>;
  getBatch(id: string): Promise<Batch | null>;
  findBatchesByPrefix(prefix: string, limit: number): Promise<readonly Batch[]>;
  /** Without items: a list of a thousand batches does not read a million decisions. */
  listBatches(filter: BatchFilter, page: BatchPage): Promise<readonly Omit<Batch, "items">[]>;
  findByPlanHashAndStaging(planHash: string, staging: string): Promise<Batch | null>;
  /** Batches that still have queued items, oldest first. */
  batchesWithQueuedItems(): Promise<readonly Batch[]>;
  /** Merges item by item, monotonically (`mergeItem`); metadata is never taken from the caller. Null when unknown. */
  mergeItems(batchId: string, items: readonly Item[]): Promise<Batch | null>;
  /**
   * Makes one item's decision and its run in one transaction, so that a crash leaves both or neither. An existing run of
   * the same batch and entry is adopted.
   */
  dispatchItem(batchId: string, itemName: string, dispatch: Dispatch, make: () => NewRun): Promise<ItemDispatch>;
  /** Queued items become `skipped` with `cancelled`; returns the batch, null when unknown. */
  cancelBatch(id: string, by: string): Promise<Batch | null>;
}
