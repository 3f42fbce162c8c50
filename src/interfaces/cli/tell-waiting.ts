import type { Progress } from "../../app/context.js";
import type { Printer } from "./printer.js";
import { printable } from "./render/text.js";

/** Says on stderr why, or for whom, a command waits. Names in it are what agents call themselves. */
export const tellWaiting =
  (printer: Printer) =>
  (progress: Progress): void => {
    if (progress.type === "waiting") printer.note(`waiting: ${printable(progress.why)}`);
  };
