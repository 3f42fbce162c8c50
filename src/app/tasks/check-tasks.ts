import { toMaybeTime } from "../../contracts/fields.js";
import type { TaskTypeView } from "../../contracts/task-types.js";
import { WaybillError } from "../../domain/errors.js";
import type { RateLimit } from "../../domain/rate-limit.js";
import { checkSchema } from "../../engine/check-schema.js";
import { timeAfter } from "../../engine/schedule-times.js";
import type { TaskDefinition } from "../../engine/task-definition.js";
import type { CallHandler } from "../context.js";
import { loadTaskModule } from "./load-task-module.js";

export const checkTasks: CallHandler<"tasks.check"> = async (context, input) => {
  const { path, definitions } = await loadTaskModule(input.file, context.settings.cwd);
  await checkScheduledParams(input.file, definitions);
  const now = Date.now();
  return { path, types: definitions.map((definition) => toTypeView(definition, now)) };
};

/** An engine finds out only when a schedule is due. Errors: `invalid_task_module` with all that do not fit. */
async function checkScheduledParams(file: string, definitions: readonly TaskDefinition[]): Promise<void> {
  const problems: string[] = [];
  for (const { paramsSchema, schedules } of definitions) {
    for (const { name, params } of schedules) {
      try {
        await checkSchema(paramsSchema, params, `what the schedule "${name}" submits`, "invalid_task_module");
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
  }
  if (problems.length === 0) return;
  throw new WaybillError(
    "invalid_task_module",
    [`${file} has schedules that would submit nothing:`, ...problems].join("\n"),
    {
      hint: "Correct their params, or the schema.",
      details: { problems },
    },
  );
}

const toRateView = (rate: RateLimit | null) => (rate === null ? null : { max: rate.max, per_ms: rate.perMs });

function toTypeView(definition: TaskDefinition, now: number): TaskTypeView {
  return {
    type: definition.type,
    priority: definition.priority,
    max_attempts: definition.retry.maxAttempts,
    timeout_ms: definition.timeoutMs,
    deadline_ms: definition.deadlineMs,
    concurrency: definition.concurrency,
    key_concurrency: definition.keyConcurrency,
    rate_limit: toRateView(definition.rateLimit),
    key_rate_limit: toRateView(definition.keyRateLimit),
    isolated: definition.isolate !== null,
    schedules: definition.schedules.map(({ name, rhythm, catchUp, overlap }) => ({
      name,
      cron: rhythm.kind === "cron" ? rhythm.cron : null,
      time_zone: rhythm.kind === "cron" ? rhythm.timeZone : null,
      every_ms: rhythm.kind === "interval" ? rhythm.everyMs : null,
      catch_up: catchUp,
      overlap,
      next_at: toMaybeTime(timeAfter(rhythm, now, now)),
    })),
  };
}
