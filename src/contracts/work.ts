/** Running a worker: claims tasks and executes a command for each. */
import * as z from "zod";
import { parseByteSize } from "../domain/byte-size.js";
import { ERROR_CODES } from "../domain/errors.js";
import { byteSize, duration, someTime } from "./fields.js";
import { operation } from "./operation.js";
import { agent, leaseTime, session } from "./worker-fields.js";

const commaList = z.array(z.string().min(1));

export const work = operation({
  name: "workers.work",
  command: "work",
  summary: "Claim tasks and run a command for each, until told to stop",
  effect: "write",
  positional: ["argv"],
  input: () =>
    z.object({
      types: commaList.min(1).describe("types of tasks that it takes, with commas between them"),
      argv: z.array(z.string()).min(1).describe("the command and its arguments, after --"),
      tags: commaList.default([]).describe("takes only what carries all of these tags, with commas between them"),
      concurrency: z.coerce.number().int().min(1).default(1).describe("how many commands run at once"),
      once: z.boolean().default(false).describe("take one task and leave with what came of it"),
      drain: z.boolean().default(false).describe("leave when nothing is there to be claimed and nothing runs"),
      cwd: z.string().min(1).optional().describe("working directory of the command (default: this one)"),
      timeout: someTime
        .optional()
        .describe("end the command after this long, unless the task says otherwise (default: no limit)"),
      grace: duration.default("10s").describe("time between the request to end and the kill"),
      max_attempts: z.coerce
        .number()
        .int()
        .min(1)
        .default(3)
        .describe("how many attempts of a task may fail, unless the task says otherwise"),
      lease: leaseTime.default("30s").describe("how long its tasks stay its own after its last sign of life"),
      log_limit: byteSize
        .refine((text) => (parseByteSize(text) ?? 0) >= 1, { error: 'expected a size such as "4MiB"' })
        .default("4MiB")
        .describe("how much is kept of what a command writes"),
      agent,
      session,
    }),
  output: () =>
    z.object({
      agent_id: z.string(),
      session: z.string(),
      started: z.number().int().describe("attempts of this worker"),
      succeeded: z.number().int(),
      failed: z.number().int(),
      waiting: z.number().int().describe("those whose tasks wait for a person"),
      cancelled: z.number().int().describe("what is in none of these counts was given back, or goes on elsewhere"),
      refused: z.number().int().describe("those whose end came too late: they were somebody else's by then"),
      waiting_for_paths: z
        .number()
        .int()
        .describe("with --drain: tasks that are left since others have their paths; of the newest 1000 that wait"),
      hurried: z.boolean().describe("a second signal cut the waiting short"),
      error_code: z.enum(ERROR_CODES).nullable().describe("with --once: why the attempt did not succeed"),
    }),
  errors: ["invalid_input", "spawn_failed", "nothing_to_claim", "lost"],
  examples: [
    ["work --types thumbnail -- ./thumbnail.sh", "the task is JSON on stdin, and in WAYBILL_TASK_FILE"],
    ["work --types review --concurrency 4 --timeout 1h -- ./agent", "four at once; each has an hour"],
    ["work --types build --once -- make", "one task; exit 3 when there is none"],
    ["work --types import --drain --concurrency 8 -- ./load", "all that is there, then leave"],
  ],
});
