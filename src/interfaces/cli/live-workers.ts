/** Shows who executes tasks over and over: a table that redraws in a terminal, a line a frame with `--json`, else a line a change. */
import type { WorkersFrame } from "../../contracts/workers.js";
import { success } from "./envelope.js";
import type { Printer } from "./printer.js";
import { renderWorkerChanges, renderWorkers } from "./render/workers.js";

export interface LiveWorkers {
  show(frame: WorkersFrame): Promise<void>;
  /** Leaves the last frame where it is. */
  finish(): void;
}

export async function createLiveWorkers(printer: Printer, json: boolean, once: boolean): Promise<LiveWorkers> {
  if (json) return { show: (frame) => printer.line(success(frame)), finish: () => undefined };
  if (once) return { show: async (frame) => printer.line(await renderWorkers(frame)), finish: () => undefined };
  if (!printer.isTerminal) return createPlainWorkers(printer);
  const { default: logUpdate } = await import("log-update");
  return {
    show: async (frame) => logUpdate(await renderWorkers(frame)),
    finish: () => logUpdate.done(),
  };
}

function createPlainWorkers(printer: Printer): LiveWorkers {
  let before: WorkersFrame | null = null;
  return {
    show: async (frame) => {
      for (const line of renderWorkerChanges(before, frame)) await printer.line(line);
      before = frame;
    },
    finish: () => undefined,
  };
}
