/** Finds batches by id or unique prefix. */
import type { Batch } from "../../domain/batch.js";
import type { Store } from "../../store/store.js";
import { findByPrefix } from "../find-by-prefix.js";

/** Errors: `batch_not_found`, `ambiguous_id`. */
export async function findBatch(store: Store, id: string): Promise<Batch> {
  const find = (prefix: string, limit: number) => store.batches.findBatchesByPrefix(prefix, limit);
  return await findByPrefix({ what: "batch", notFound: "batch_not_found", find, list: "waybill batch list" }, id);
}
