/** Tasks of a plan for people. */
import type { OutputOf } from "../../../contracts/index.js";
import { formatTaskState } from "./task-look.js";
import { printable, shortTable } from "./text.js";

export async function renderCreated({ dry_run: dryRun, tasks }: OutputOf<"tasks.create">): Promise<string> {
  const head = ["NAME", "TASK", "TYPE", "", "STATE", "AFTER"];
  return await shortTable(head, tasks, (task) => [
    printable(task.name),
    task.id,
    printable(task.type),
    task.outcome === "existing" ? "was there" : dryRun ? "would be created" : "created",
    task.state === null ? "" : formatTaskState(task.state),
    printable(task.after.join(", ")),
  ]);
}
