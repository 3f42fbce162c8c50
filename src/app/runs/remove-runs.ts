import { rm } from "node:fs/promises";
import { WaybillError } from "../../domain/errors.js";
import { isTerminal } from "../../domain/run.js";
import type { CallHandler } from "../context.js";
import { findRuns } from "./find-run.js";

/** Record first, files after: a crash between leaves files that `store gc` finds, never a record without its log. */
export const removeRuns: CallHandler<"runs.rm"> = async (context, input) => {
  const store = await context.store();
  const runs = await findRuns(store, input.id);
  const active = runs.find((run) => !isTerminal(run.status));
  if (active !== undefined) {
    throw new WaybillError("invalid_state", `Run ${active.id} is ${active.status}; nothing was removed.`, {
      hint: `Cancel it first: \`waybill runs cancel ${active.id}\`.`,
    });
  }
  const removed: string[] = [];
  for (const run of runs) {
    if (!(await store.runs.removeRun(run.id))) continue;
    await rm(context.settings.home.runDir(run.id), { recursive: true, force: true });
    removed.push(run.id);
  }
  return { removed };
};
