import { durationMs } from "../../contracts/fields.js";
import { toRunView } from "../../contracts/run-views.js";
import { WaybillError } from "../../domain/errors.js";
import type { CallHandler } from "../context.js";
import { withinLimit } from "../time-limit.js";
import { allEnded, anyEnded, awaitRuns } from "./await-runs.js";
import { findRuns } from "./find-run.js";

export const waitRuns: CallHandler<"runs.wait"> = async (context, input, options) => {
  const ids = (await findRuns(await context.store(), input.id)).map((run) => run.id);
  const enough = input.any ? anyEnded : allEnded;
  const runs = await awaitRuns(context, ids, enough, withinLimit(durationMs(input.timeout), options.signal));
  if (!enough(runs) && options.signal?.aborted !== true) {
    throw new WaybillError("timeout", `Still active after ${input.timeout}: the runs go on.`, { details: { ids } });
  }
  return { runs: runs.map(toRunView) };
};
