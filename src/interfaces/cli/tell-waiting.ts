/** Says on stderr why, for what or for whom a command waits. Names in it are what agents call themselves. */
import type { Progress } from "../../app/context.js";
import type { Printer } from "./printer.js";
import { printable } from "./render/text.js";

export const tellWaiting =
  (printer: Printer) =>
  (progress: Progress): void => {
    if (progress.type === "waiting") printer.note(`waiting: ${printable(progress.why)}`);
    if (progress.type === "awaited" && printer.isTerminal) tellAwaited(printer, progress);
  };

/** For somebody who looks on: a program knows what it asked for. */
function tellAwaited(printer: Printer, { tasks, untaken }: Extract<Progress, { type: "awaited" }>): void {
  const [first] = tasks;
  if (first === undefined) return;
  const what =
    tasks.length === 1
      ? `task ${first.id} of type ${printable(first.type)}, which is ${first.state}`
      : `${tasks.length} tasks that have not ended`;
  printer.note(`waiting for ${what}`);
  for (const type of untaken) printer.note(describeUntaken(type));
}

export const describeUntaken = (type: string): string =>
  `no engine or worker that takes the type "${printable(type)}" runs now; it waits for one`;
