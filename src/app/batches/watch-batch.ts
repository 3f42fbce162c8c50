/** Watches a batch to its end, and sees to it that a living dispatcher serves it. */
import type { BatchReport } from "../../contracts/batch-views.js";
import { WaybillError } from "../../domain/errors.js";
import type { AppContext, StreamHandler } from "../context.js";
import { BatchReporter } from "./batch-report.js";
import { findBatch } from "./find-batch.js";

/** How often it is looked whether the dispatcher still lives, and the clock in the progress moves. */
const LOOK_MS = 1_000;

export const watchBatch: StreamHandler<"batches.watch"> = async function* (context, input, options) {
  const batch = await findBatch(await context.store(), input.id);
  yield* watchUntilFinished(context, batch.id, options.signal);
};

/** Yields a report at each change and at least once a second; the last one is finished, unless aborted. */
export async function* watchUntilFinished(
  context: AppContext,
  batchId: string,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<BatchReport, void> {
  const store = await context.store();
  const reporter = new BatchReporter(store);
  while (!signal.aborted) {
    const batch = await store.batches.getBatch(batchId);
    if (batch === null) throw new WaybillError("batch_not_found", `Batch ${batchId} was removed meanwhile.`);
    const report = await reporter.report(batch);
    yield report;
    if (report.progress.finished) return;
    await context.ensureDispatcher({ kind: "batch", batchId });
    await store.events.waitForChange(LOOK_MS, signal);
  }
}
