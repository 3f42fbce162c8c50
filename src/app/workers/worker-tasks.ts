/** The types that a worker takes, as an engine knows them: anything may be in the params, and the command executes them. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import type { TaskContext } from "../../engine/task-context.js";
import { defineTask, type TaskDefinition } from "../../engine/task-definition.js";
import type { Verdict } from "../../engine/verdict.js";
import { MARK_NOT_READY, MARK_READY } from "../sidecar/readiness-tasks.js";
import { COMMAND } from "../tasks/command-runs.js";

/** What is in the params is between whoever submits and the command. */
const anything: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "waybill", validate: (value) => ({ value }) },
};

/** Errors: `invalid_input` for an empty or long type, or one that is built in. */
export function workerTasks(
  types: readonly string[],
  execute: (context: TaskContext) => Promise<Verdict>,
  { timeout, max_attempts: maxAttempts }: Pick<ParsedInputOf<"workers.work">, "timeout" | "max_attempts">,
): readonly TaskDefinition[] {
  const builtIn = types.find((type) => BUILT_IN_TYPES.includes(type));
  if (builtIn !== undefined) throw refuseBuiltIn(builtIn);
  return types.map((type) =>
    defineTask({
      type,
      params: anything,
      timeoutMs: durationMs(timeout),
      retry: { maxAttempts },
      run: async (_params, context) => await execute(context),
    }),
  );
}

const BUILT_IN_TYPES: readonly string[] = [COMMAND, MARK_READY, MARK_NOT_READY];

/** Somebody else's command would end them without doing what they say. */
const refuseBuiltIn = (type: string): WaybillError =>
  new WaybillError("invalid_input", `The type "${type}" is built in; its tasks say themselves what is to be done.`, {
    hint: "`waybill serve` executes them. Name types of your own.",
    details: { type },
  });
