/** The types that a worker takes, as an engine knows them: anything may be in the params, and the command executes them. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import type { TaskContext } from "../../engine/task-context.js";
import { defineTask, type TaskDefinition } from "../../engine/task-definition.js";
import type { Verdict } from "../../engine/verdict.js";

/** What is in the params is between whoever submits and the command. */
const anything: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "waybill", validate: (value) => ({ value }) },
};

/** Errors: `invalid_input` for an empty or long type. */
export const workerTasks = (
  types: readonly string[],
  execute: (context: TaskContext) => Promise<Verdict>,
  { timeout, max_attempts: maxAttempts }: Pick<ParsedInputOf<"workers.work">, "timeout" | "max_attempts">,
): readonly TaskDefinition[] =>
  types.map((type) =>
    defineTask({
      type,
      params: anything,
      timeoutMs: durationMs(timeout),
      retry: { maxAttempts },
      run: async (_params, context) => await execute(context),
    }),
  );
