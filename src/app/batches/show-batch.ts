import type { CallHandler } from "../context.js";
import { wakeDispatcher } from "../runs/forsaken.js";
import { BatchReporter } from "./batch-report.js";
import { findBatch } from "./find-batch.js";

export const showBatch: CallHandler<"batches.show"> = async (context, input) => {
  const store = await context.store();
  const batch = await findBatch(store, input.id);
  const report = await new BatchReporter(store).report(batch);
  if (!report.progress.finished) await wakeDispatcher(context, { kind: "batch", batchId: batch.id });
  return report;
};
