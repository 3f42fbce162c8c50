/** Finds batches by id or unique prefix. */
import type { Batch } from "../../domain/batch.js";
import { WaybillError } from "../../domain/errors.js";
import type { Store } from "../../store/store.js";

/** Errors: `batch_not_found`, `ambiguous_id`. */
export async function findBatch(store: Store, id: string): Promise<Batch> {
  const found = await store.batches.findBatchesByPrefix(id, 6);
  const exact = found.find((batch) => batch.id === id);
  if (exact !== undefined) return exact;
  const [only, ...others] = found;
  if (only === undefined) {
    throw new WaybillError("batch_not_found", `There is no batch ${JSON.stringify(id)}.`, {
      hint: "`waybill batch list` shows the newest ones.",
      details: { id },
    });
  }
  if (others.length === 0) return only;
  const candidates = found.slice(0, 5).map((batch) => batch.id);
  throw new WaybillError("ambiguous_id", `${JSON.stringify(id)} is the beginning of several batch ids.`, {
    hint: `Give more of it: ${candidates.join(", ")}.`,
    details: { id, candidates },
  });
}
