import { toBatchView } from "../../contracts/batch-views.js";
import type { CallHandler } from "../context.js";
import { findBatch } from "./find-batch.js";

export const listBatches: CallHandler<"batches.list"> = async (context, input) => {
  const store = await context.store();
  const filter = input.staging === undefined ? {} : { staging: input.staging };
  const before = input.before === undefined ? {} : { before: (await findBatch(store, input.before)).id };
  const batches = await store.batches.listBatches(filter, { ...before, limit: input.limit });
  return {
    batches: batches.map(toBatchView),
    next: batches.length < input.limit ? null : (batches.at(-1)?.id ?? null),
  };
};
