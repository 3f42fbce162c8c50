import { isTerminal } from "../../domain/run.js";
import type { CallHandler } from "../context.js";
import { requestCancels } from "../runs/cancel-runs.js";
import { BatchReporter } from "./batch-report.js";
import { findBatch } from "./find-batch.js";

/** Skips first, so that no run follows the ones that are cancelled. */
export const cancelBatch: CallHandler<"batches.cancel"> = async (context, input, options) => {
  const store = await context.store();
  const found = await findBatch(store, input.id);
  const batch = (await store.batches.cancelBatch(found.id, context.settings.user)) ?? found;
  const runs = await store.runs.getRuns(batch.items.flatMap((item) => item.runId ?? []));
  const active = [...runs.values()].filter((run) => !isTerminal(run.status));
  await requestCancels(context, active, input.wait, options.signal);
  return await new BatchReporter(store).report(batch);
};
