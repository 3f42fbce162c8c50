import { toRunDetailView } from "../../contracts/run-views.js";
import type { CallHandler } from "../context.js";
import { findRun } from "./find-run.js";

export const showRun: CallHandler<"runs.show"> = async (context, input) =>
  toRunDetailView(await findRun(await context.store(), input.id));
