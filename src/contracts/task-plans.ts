/** The operation that submits many tasks of a file at once. */
import * as z from "zod";
import { operation } from "./operation.js";
import { taskState } from "./task-views.js";

export const createTasks = operation({
  name: "tasks.create",
  command: "tasks create",
  summary: "Submit all tasks of a plan, or none; submitted again, the same tasks are answered",
  effect: "write",
  input: () =>
    z.object({
      file: z.string().min(1).describe("YAML with version: 1 and tasks:, or - for standard input"),
      dry_run: z.boolean().default(false).describe("check it, and say what would be submitted"),
    }),
  output: () =>
    z.object({
      key: z.string().describe("with a task's name, what its id is made from"),
      dry_run: z.boolean(),
      tasks: z.array(
        z.object({
          name: z.string(),
          id: z.string(),
          type: z.string(),
          outcome: z.enum(["created", "existing"]).describe("existing: it was submitted before"),
          state: taskState.nullable().describe("null: it is not submitted"),
          after: z.array(z.string()).describe("names of the tasks that it waits for"),
        }),
      ),
    }),
  errors: ["invalid_input", "invalid_plan", "empty_plan", "task_conflict"],
  examples: [
    ["tasks create --file plan.yaml --dry-run", "what it would submit; faults with line and column"],
    ["tasks create --file plan.yaml", "again, it changes nothing"],
  ],
});
