/** Imports for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import { formatTaskState } from "./task-look.js";
import { printable, shortId, table } from "./text.js";

export async function renderImported({ tasks, notes, dry_run: dry }: OutputOf<"tasks.import">): Promise<string> {
  const rows = tasks.map((task) => [
    shortId(task.id),
    printable(task.source_id),
    task.outcome === "existing" ? "was here" : dry ? "would be created" : "created",
    task.state === null ? "" : formatTaskState(task.state),
    printable(task.title),
  ]);
  const listed = rows.length === 0 ? "No tasks." : await table(["TASK", "WAS", "", "STATE", "TITLE"], rows);
  const left = notes.map(({ path, message }) => pc.yellow(printable(`left out: ${path}: ${message}`)));
  return [listed, ...left].join("\n");
}
