/** The operation that brings tasks of another program into this store. */
import * as z from "zod";
import { DEPENDENCY_OUTCOMES } from "../domain/dependency.js";
import { IMPORT_FORMATS } from "./import-document.js";
import { operation } from "./operation.js";
import { taskState } from "./task-views.js";

export const importTasks = operation({
  name: "tasks.import",
  command: "tasks import",
  summary: "Take over tasks that bones kept, or its dispatch manifest: all of them, or none; again, it changes nothing",
  effect: "write",
  positional: ["file"],
  input: () =>
    z.object({
      file: z
        .string()
        .min(1)
        .describe("what `bones tasks list --all --json` printed, or a dispatch.json; - for standard input"),
      dry_run: z.boolean().default(false).describe("check it, and say what would be taken over"),
      type: z.string().min(1).max(200).default("bones").describe("the type of the tasks, by which workers claim them"),
      root: z.string().optional().describe("absolute paths of files begin with this directory (default: this one)"),
      outcome: z
        .enum(DEPENDENCY_OUTCOMES)
        .default("ended")
        .describe("which end of a task lets those begin that wait for it; there, it was any"),
    }),
  output: () =>
    z.object({
      format: z.enum(IMPORT_FORMATS),
      dry_run: z.boolean(),
      tasks: z.array(
        z.object({
          id: z.string(),
          source_id: z.string().describe("as it was named there"),
          title: z.string(),
          outcome: z.enum(["created", "existing"]).describe("existing: it is here already, and stays as it is"),
          state: taskState.nullable().describe("null: it is not submitted"),
          after: z.array(z.string()).describe("the tasks that it waits for, by id"),
          linked: z
            .array(z.string())
            .describe("those of them for which a task that was here already did not wait before"),
        }),
      ),
      notes: z
        .array(z.object({ path: z.string(), message: z.string() }))
        .describe("what of the document was not taken over, by its place"),
    }),
  errors: ["invalid_input", "task_conflict"],
  examples: [
    ["tasks import --dry-run list.json", "what it would take over; faults with line and column"],
    ["tasks import --type review - < .bones/swarm/dispatch.json", "waves become dependencies"],
  ],
});
