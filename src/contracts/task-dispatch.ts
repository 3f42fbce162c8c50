/** Operations by which one process gives a task to a worker's process, and that worker answers. */
import * as z from "zod";
import { ERROR_CODES } from "../domain/errors.js";
import { RESULT_KINDS } from "../domain/result.js";
import { duration, someTime, taskId } from "./fields.js";
import { operation } from "./operation.js";
import { taskView } from "./task-views.js";
import { agent, fence, leaseTime, read, session, space, write } from "./worker-fields.js";

/** Where the answer of a dispatch was found; `store`: the worker recorded it by itself; `none`: it gave none. */
export const DISPATCH_SOURCES = ["store", "file", "line", "exit", "none"] as const;

export const dispatchParent = operation({
  name: "tasks.dispatch.parent",
  command: "tasks dispatch parent",
  summary: "Give one task to a worker's process, look after it, and record what came of it",
  effect: "write",
  input: () =>
    z.object({
      task_id: taskId,
      worker_bin: z
        .string()
        .min(1)
        .optional()
        .describe(
          "the worker's program; it is started as BIN tasks dispatch worker (default: waybill itself, which only answers)",
        ),
      worker_result: z.enum(RESULT_KINDS).default("success").describe("passed on as --result"),
      worker_summary: z.string().default("done").describe("passed on as --summary"),
      worker_claim_handoff: z
        .boolean()
        .default(false)
        .describe("the worker is to take the claim over, and ends the task by itself"),
      timeout: someTime
        .optional()
        .describe("end the worker after this long (default: the task's own limit; none without)"),
      grace: duration.default("10s").describe("time between the request to end and the kill"),
      lease: leaseTime.default("30s").describe("how long the task stays its own after its last sign of life"),
      cwd: z.string().min(1).optional().describe("the worker's directory (default: this one)"),
      fence: fence.describe("of a claim that is yours already (default: WAYBILL_FENCE, else the task is claimed)"),
      agent,
      session,
    }),
  output: () =>
    z.object({
      outcome: z.enum(["recorded", "existing"]).describe("existing: the task had ended before; nobody was started"),
      source: z.enum(DISPATCH_SOURCES),
      task: taskView(),
      worker_agent_id: z.string(),
      result: z.unknown().describe("what the worker answered; null when it gave no answer"),
      doubt: z.string().nullable().describe("why its line may have been meant otherwise"),
      error_code: z.enum(ERROR_CODES).nullable().describe("why the attempt did not succeed"),
    }),
  errors: [
    "task_not_found",
    "ambiguous_id",
    "invalid_input",
    "invalid_state",
    "paths_conflict",
    "stale_write",
    "spawn_failed",
    "lease_lost",
    "lost",
  ],
  examples: [
    ["tasks dispatch parent --task-id 0199a3 --worker-bin ./worker --timeout 1h", "wait for its end; exit as it ended"],
    ["tasks dispatch parent --task-id 0199a3", "once more: print the stored result"],
  ],
});

export const dispatchWorker = operation({
  name: "tasks.dispatch.worker",
  command: "tasks dispatch worker",
  summary: "Answer for a worker: take the claim over if asked to, record the result, and print it as the last line",
  effect: "write",
  input: () =>
    z.object({
      task_id: taskId,
      task_thread: z.string().min(1).describe("where parent and worker leave notes: the id of the task"),
      worker_agent_id: agent.unwrap().describe("who the worker is, for people"),
      claim_from_agent_id: agent.describe("take the claim over from this agent (default: leave it, and only answer)"),
      handoff_ttl: leaseTime.default("30s").describe("how long the claim that was taken over lasts"),
      result: z.enum(RESULT_KINDS).default("success").describe("what came of the task"),
      summary: z.string().default("done").describe("what was done, why it failed, or what is asked"),
      branch: z.string().optional().describe("where the work is"),
      rev: z.string().optional().describe("its revision"),
      write,
      read,
      space,
      fence: fence.describe(
        "of the claim that is taken over (default: WAYBILL_FENCE, else that of the running attempt)",
      ),
    }),
  output: () =>
    z.object({
      outcome: z.enum(["answered", "recorded"]).describe("answered: whoever started it records the result"),
      task: taskView(),
      worker_agent_id: z.string(),
      fence: z.number().int().nullable().describe("under which it was recorded"),
      result: z.unknown(),
      line: z.string().describe("the result as one line, for whoever reads the worker's output"),
    }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "invalid_state", "stale_write", "paths_conflict"],
  examples: [
    [
      "tasks dispatch worker --task-id 0199a3 --task-thread 0199a3 --worker-agent-id ann/0199a3 --result fork --branch fix",
      "as a worker's program is started, with an answer",
    ],
  ],
});
