/** Shows queues and engines over and over: a block that redraws in a terminal, a line a frame with `--json`, else one frame. */
import type { TaskStatsView } from "../../contracts/task-queues.js";
import { WaybillError } from "../../domain/errors.js";
import { success } from "./envelope.js";
import type { Printer } from "./printer.js";
import { renderTaskStats } from "./render/task-stats.js";

export interface LiveTop {
  show(stats: TaskStatsView): Promise<void>;
  /** Leaves the last frame where it is. */
  finish(): void;
}

/** Errors: `invalid_input` where nothing can be redrawn. */
export async function createLiveTop(printer: Printer, json: boolean, once: boolean): Promise<LiveTop> {
  if (json) return { show: (stats) => printer.line(success(stats)), finish: () => undefined };
  if (once) return { show: async (stats) => printer.line(await renderTaskStats(stats)), finish: () => undefined };
  if (!printer.isTerminal) {
    throw new WaybillError("invalid_input", "`tasks top` redraws a terminal, and the output is none.", {
      hint: "--once prints one frame, --json a line for each.",
    });
  }
  const { default: logUpdate } = await import("log-update");
  return {
    show: async (stats) => logUpdate(await renderTaskStats(stats)),
    finish: () => logUpdate.done(),
  };
}
