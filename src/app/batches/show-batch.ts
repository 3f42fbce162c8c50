import type { CallHandler } from "../context.js";
import { BatchReporter } from "./batch-report.js";
import { findBatch } from "./find-batch.js";

export const showBatch: CallHandler<"batches.show"> = async (context, input) => {
  const store = await context.store();
  return await new BatchReporter(store).report(await findBatch(store, input.id));
};
