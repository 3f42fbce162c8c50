/** Imports for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import { formatTaskState } from "./task-look.js";
import { printable, shortId, shortTable } from "./text.js";

export async function renderImported({ tasks, notes, dry_run: dry }: OutputOf<"tasks.import">): Promise<string> {
  const head = ["TASK", "WAS", "", "STATE", "TITLE"];
  const table = shortTable(head, tasks, (task) => [
    shortId(task.id),
    printable(task.source_id),
    task.outcome === "existing" ? "was here" : dry ? "would be created" : "created",
    task.state === null ? "" : formatTaskState(task.state),
    printable(task.title),
  ]);
  const listed = tasks.length === 0 ? "No tasks." : await table;
  const left = notes.map(({ path, message }) => pc.yellow(printable(`left out: ${path}: ${message}`)));
  return [listed, ...left].join("\n");
}
