import type { StreamHandler } from "../context.js";
import { findRun } from "./find-run.js";
import { followRun } from "./follow-run.js";
import { tellingContact } from "./watch-contact.js";

/** Follows a run from an offset; takes it over when whoever drove it has died. Aborting leaves it running. */
export const attachRun: StreamHandler<"runs.attach"> = async function* (context, input, options) {
  const run = await findRun(await context.store(), input.id);
  const pieces = followRun(context, run.id, input.from, "waybill runs attach", options.signal);
  yield* tellingContact(context, run.id, options, pieces);
};
