/** Shows a batch while it runs: a block that redraws in a terminal, a line per change elsewhere, nothing with `--json`. */
import type { BatchReport } from "../../contracts/batch-views.js";
import type { Printer } from "./printer.js";
import { renderChanges, renderProgress } from "./render/batches.js";

export interface LiveBatch {
  show(report: BatchReport): Promise<void>;
  /** Takes the moving part away, so that the table can take its place. */
  finish(): void;
}

export async function createLiveBatch(printer: Printer, json: boolean): Promise<LiveBatch> {
  if (json) return { show: async () => undefined, finish: () => undefined };
  if (!printer.isTerminal) return createPlainBatch(printer);
  const { logUpdateStderr } = await import("log-update");
  return {
    show: async (report) => logUpdateStderr(renderProgress(report, printer.columns)),
    finish: () => logUpdateStderr.clear(),
  };
}

function createPlainBatch(printer: Printer): LiveBatch {
  let before: BatchReport | null = null;
  return {
    show: async (report) => {
      if (before === null) printer.note(`batch ${report.batch.id} against ${report.batch.staging}`);
      for (const line of renderChanges(before, report)) printer.note(line);
      before = report;
    },
    finish: () => undefined,
  };
}
