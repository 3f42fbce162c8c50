import { toEventView } from "../../contracts/system.js";
import { WaybillError } from "../../domain/errors.js";
import type { EventFilter } from "../../store/event-store.js";
import { findBatch } from "../batches/find-batch.js";
import type { StreamHandler } from "../context.js";
import { findRun } from "../runs/find-run.js";
import { findTask } from "../tasks/find-task.js";

const PAGE = 500;

/** The feed by cursor: neither a gap nor a repeat, however often one starts again from the last sequence seen. */
export const watchEvents: StreamHandler<"events.watch"> = async function* (context, input, options) {
  const store = await context.store();
  if (input.run !== undefined && input.task !== undefined) {
    throw new WaybillError("invalid_input", "--run and --task exclude each other: an event is about one of them.");
  }
  const filter: EventFilter = {
    ...(input.run === undefined ? {} : { subject: (await findRun(store, input.run)).id }),
    ...(input.task === undefined ? {} : { subject: (await findTask(store, input.task)).id }),
    ...(input.batch === undefined ? {} : { batchId: (await findBatch(store, input.batch)).id }),
    ...(input.type.length === 0 ? {} : { types: input.type }),
  };
  let cursor = input.after ?? (await store.events.lastSequence());
  while (options.signal?.aborted !== true) {
    const events = await store.events.readEvents(cursor, filter, PAGE);
    for (const event of events) {
      cursor = event.sequence;
      yield toEventView(event);
    }
    if (events.length === PAGE) continue;
    if (!input.follow) return;
    await store.events.waitForChange(1_000, options.signal);
  }
};
