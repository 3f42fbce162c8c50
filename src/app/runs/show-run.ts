import { toRunDetailView } from "../../contracts/run-views.js";
import { isTerminal } from "../../domain/run.js";
import type { CallHandler } from "../context.js";
import { findRun } from "./find-run.js";

export const showRun: CallHandler<"runs.show"> = async (context, input) => {
  const run = await findRun(await context.store(), input.id);
  // Loaded only for a run that may need it: showing an ended one is what people wait for most often.
  if (!isTerminal(run.status)) await (await import("./forsaken.js")).wakeDispatcherFor(context, [run]);
  return toRunDetailView(run);
};
