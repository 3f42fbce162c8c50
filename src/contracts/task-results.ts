/** The operation by which a worker says what came of the task that it claimed. */
import * as z from "zod";
import { RESULT_KINDS } from "../domain/result.js";
import { taskId } from "./fields.js";
import { operation } from "./operation.js";
import { taskView } from "./task-views.js";
import { agent, fence } from "./worker-fields.js";

export const recordResult = operation({
  name: "tasks.result",
  command: "tasks result",
  summary: "Say what came of a claimed task; its attempt is over with that",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      fence,
      kind: z.enum(RESULT_KINDS).optional().describe("fork: a person is to look at it; needs_input: a person is asked"),
      summary: z.string().optional().describe("what was done, why it failed, or what is asked"),
      branch: z.string().optional().describe("where the work is"),
      rev: z.string().optional().describe("its revision"),
      fault: z
        .string()
        .optional()
        .describe("what the infrastructure did to it, in a word: a fail then counts as a crash"),
      error: z.string().optional().describe("what was said about that"),
      file: z
        .string()
        .optional()
        .describe("a whole result, as JSON or as a dispatch-result line: its file, or - for standard input"),
      agent,
    }),
  output: () =>
    z.object({
      outcome: z.enum(["recorded", "existing"]).describe("existing: the same result was recorded before"),
      task: taskView(),
      result: z.unknown().describe("as it is kept with the attempt"),
    }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "stale_write"],
  examples: [
    ['tasks result 0199a3 --fence 17 --kind success --summary "all tests pass"', "the task is completed"],
    ['tasks result 0199a3 --fence 17 --kind fork --summary "two ways" --branch agent/x', "a person decides"],
    ["tasks result 0199a3 --fence 17 --file -", "a result with artifacts and follow-ups, from standard input"],
  ],
});
