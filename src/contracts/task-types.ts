/** Types of tasks: what a module defines, with the rules by which it is executed. */
import * as z from "zod";
import { CATCH_UP_POLICIES, OVERLAP_POLICIES } from "../domain/schedule.js";
import { maybeTime } from "./fields.js";
import { later } from "./later.js";
import { operation } from "./operation.js";

const rate = later(() =>
  z.object({ max: z.number().int(), per_ms: z.number().int() }).describe("so many begin at most in so long"),
);

const taskSchedule = later(() =>
  z.object({
    name: z.string(),
    cron: z.string().nullable(),
    time_zone: z.string().nullable().describe("of cron"),
    every_ms: z.number().int().nullable(),
    catch_up: z.enum(CATCH_UP_POLICIES),
    overlap: z.enum(OVERLAP_POLICIES),
    next_at: maybeTime.describe("when it would be due first if an engine started now"),
  }),
);

const taskType = later(() =>
  z.object({
    type: z.string(),
    priority: z.number().int(),
    max_attempts: z.number().int(),
    timeout_ms: z.number().int().nullable().describe("of an attempt"),
    deadline_ms: z.number().int().nullable().describe("of the task, from its submission"),
    concurrency: z.number().int().nullable().describe("how many run at once, over all engines; null: any number"),
    key_concurrency: z.number().int().describe("the same for tasks that share a concurrency key"),
    rate_limit: rate().nullable(),
    key_rate_limit: rate().nullable(),
    isolated: z.boolean().describe("each handler runs in a thread of its own"),
    schedules: z.array(taskSchedule()),
  }),
);
export type TaskTypeView = z.infer<ReturnType<typeof taskType>>;

export const checkTasks = operation({
  name: "tasks.check",
  command: "tasks check",
  summary: "Load a module of task definitions and say which types it defines, with their limits and schedules",
  effect: "read",
  positional: ["file"],
  input: () => z.object({ file: z.string().min(1).describe("JavaScript module that exports what defineTask returns") }),
  output: () => z.object({ path: z.string(), types: z.array(taskType()) }),
  errors: ["invalid_task_module", "invalid_input"],
  examples: [["tasks check ./tasks.mjs", "before it is deployed: every fault is named, with its place"]],
});
