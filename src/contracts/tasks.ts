/** Operations on tasks. */
import * as z from "zod";
import { DEPENDENCY_OUTCOMES } from "../domain/dependency.js";
import { before, duration, limit, someTime, taskId, timeText } from "./fields.js";
import { operation, streaming } from "./operation.js";
import { logLineView, spannedTaskView, taskDetailView, taskState, taskView } from "./task-views.js";
import { read, space, write } from "./worker-fields.js";

const DEPENDENCY = new RegExp(`^[^:]+(:(${DEPENDENCY_OUTCOMES.join("|")}))?$`);
const taskType = z.string().min(1).max(200);

export const submitTask = operation({
  name: "tasks.submit",
  command: "tasks submit",
  summary: "Submit a task; an engine that knows its type executes it, now or whenever one runs",
  effect: "write",
  positional: ["type", "argv"],
  input: () =>
    z.object({
      type: taskType.describe("which handler executes it; `command` executes what stands after --"),
      argv: z.array(z.string()).default([]).describe("of the type command: the command and its arguments, after --"),
      params: z.unknown().optional().describe("params as JSON, @FILE, or - for standard input (default: {})"),
      tasks: z.string().min(1).optional().describe("module that defines the type, to check type and params by"),
      id: z.string().optional().describe("the task's own UUID: submitted again, the same task is answered"),
      priority: z.coerce
        .number()
        .int()
        .optional()
        .describe("higher goes first (default: 0; with --tasks the definition's)"),
      delay: duration.optional().describe("not before so long from now, e.g. 10m"),
      at: timeText.optional().describe("not before this time, e.g. 2026-11-21T14:02:00Z"),
      unique_key: z
        .string()
        .min(1)
        .optional()
        .describe("while another task of the type holds it, that one is answered"),
      unique_scope: z
        .union([z.enum(["waiting", "active"]), duration], {
          error: 'expected waiting, active or a duration such as "1h"',
        })
        .optional()
        .describe(
          "how long the key is held: until it begins (waiting), until it ends (active; the default), or e.g. 1h",
        ),
      concurrency_key: z.string().min(1).optional().describe("tasks that share it run one after the other"),
      max_attempts: z.coerce.number().int().min(1).optional().describe("how many attempts may fail before it does"),
      timeout: someTime.optional().describe("how long an attempt may take"),
      deadline: someTime.optional().describe("it fails when it has not ended after this long"),
      depends_on: z
        .array(z.string().regex(DEPENDENCY, `expected ID or ID:OUTCOME with ${DEPENDENCY_OUTCOMES.join(", ")}`))
        .default([])
        .describe("task that has to end before: ID (completed), or ID:failed, ID:ended"),
      tag: z.array(z.string().min(1)).default([]).describe("to find it by"),
      write,
      read,
      space,
      discovered_from: taskId.optional().describe("the task during which it was found"),
      retry_ended: z.boolean().default(false).describe("with --id: try it again if it has failed or was cancelled"),
      wait: z.boolean().default(false).describe("wait for its end, and leave with its failure"),
      wait_timeout: duration.optional().describe("with --wait: give up waiting after this long; the task goes on"),
    }),
  output: () =>
    z.object({
      outcome: z
        .enum(["created", "existing", "duplicate", "retried"])
        .describe("existing: the id was known; duplicate: the task that holds the unique key"),
      task: spannedTaskView(),
      result: z.unknown().describe("of a task that was waited for; null else"),
      engines: z.number().int().describe("how many living engines know its type"),
    }),
  errors: [
    "invalid_input",
    "invalid_task_id",
    "unknown_task_type",
    "invalid_task_module",
    "task_conflict",
    "task_not_found",
    "ambiguous_id",
    "timeout",
  ],
  examples: [
    ['tasks submit mail --params \'{"to":"ann"}\'', "print its id"],
    ["tasks submit report --params @report.json --at 2026-12-01T03:00:00Z", "params from a file, at a time"],
    ["tasks submit command --wait -- make test", "any shell command, as a task"],
  ],
});

export const listTasks = operation({
  name: "tasks.list",
  command: "tasks list",
  summary: "List tasks, newest first",
  effect: "read",
  input: () =>
    z.object({
      state: z.array(taskState).default([]).describe("only these states"),
      type: z.array(taskType).default([]).describe("only these types"),
      tag: z.string().optional().describe("only those that carry this tag"),
      parent: z.string().optional().describe("only children of this task"),
      limit,
      before,
    }),
  output: () =>
    z.object({
      tasks: z.array(taskView()),
      next: z.string().nullable(),
      paused: z.array(z.string()).describe("those of their types that are paused"),
    }),
  errors: ["task_not_found", "ambiguous_id"],
  examples: [
    ["tasks list --state running", "what is executed now"],
    ["tasks list --state failed --type mail", "the dead ones; `tasks retry --all --type mail` tries them again"],
  ],
});

export const showTask = operation({
  name: "tasks.show",
  command: "tasks show",
  summary:
    "Show a task: its attempts over time and what came of them, progress, failure, thread, log, and what it waits for",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      lines: z.coerce.number().int().min(0).max(1000).default(10).describe("how many lines of its log"),
      notes: z.coerce.number().int().min(0).max(100).default(5).describe("how many notes of its thread"),
    }),
  output: () => taskDetailView(),
  errors: ["task_not_found", "ambiguous_id"],
  examples: [["tasks show 0199a3", "any unique prefix of the id will do"]],
});

export const waitTasks = operation({
  name: "tasks.wait",
  command: "tasks wait",
  summary: "Wait until tasks have ended; exits with the first one's failure, if any",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.array(taskId).min(1),
      any: z.boolean().default(false).describe("return as soon as one of them has ended"),
      timeout: duration.optional().describe("give up waiting after this long (exit 124); the tasks go on"),
    }),
  output: () => z.object({ tasks: z.array(spannedTaskView()) }),
  errors: ["task_not_found", "ambiguous_id", "timeout"],
  examples: [["tasks wait 0199a3 0199a4 --timeout 10m", "both"]],
});

export const cancelTasks = operation({
  name: "tasks.cancel",
  command: "tasks cancel",
  summary: "End tasks that wait, and tell the handlers of running ones to stop",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.array(taskId).min(1),
      wait: z.boolean().default(true).describe("return at once; running ones end when their handlers have stopped"),
    }),
  output: () => z.object({ tasks: z.array(taskView()) }),
  errors: ["task_not_found", "ambiguous_id"],
  examples: [["tasks cancel 0199a3 --no-wait", "state the wish and go on"]],
});

export const retryTasks = operation({
  name: "tasks.retry",
  command: "tasks retry",
  summary: "Queue failed or cancelled tasks again, or with --all every failed one",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.array(taskId).default([]),
      all: z.boolean().default(false).describe("every task that has failed"),
      type: z.array(taskType).default([]).describe("with --all: only of these types"),
    }),
  output: () => z.object({ retried: z.number().int(), tasks: z.array(taskView()).describe("those that were named") }),
  errors: ["task_not_found", "ambiguous_id", "invalid_state", "invalid_input"],
  examples: [
    ["tasks retry 0199a3", "its next run, with its counts at zero"],
    ["tasks retry --all --type mail", "once the mail server is back"],
  ],
});

export const removeTasks = operation({
  name: "tasks.rm",
  command: "tasks rm",
  summary: "Forget tasks with their attempts, steps and logs",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.array(taskId).min(1),
      force: z.boolean().default(false).describe("also tasks that have not ended: handlers are told to stop"),
    }),
  output: () => z.object({ removed: z.array(z.string()) }),
  errors: ["task_not_found", "ambiguous_id", "invalid_state"],
});

export const taskLogs = streaming({
  name: "tasks.logs",
  command: "tasks logs",
  summary: "Print what a task's handler has logged",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      tail: z.coerce.number().int().min(0).default(1000).describe("only the last so many lines"),
      follow: z.boolean().default(false).describe("go on until the task ends"),
    }),
  output: () => logLineView(),
  errors: ["task_not_found", "ambiguous_id"],
  examples: [["tasks logs 0199a3 --tail 50 --follow", "the end of it, and what comes"]],
});
