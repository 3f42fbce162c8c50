/** What `defineTask` takes: a rule for each option. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { WaybillError } from "../domain/errors.js";
import type { RateLimit } from "../domain/rate-limit.js";
import type { Backoff, RetryRule } from "../domain/retry.js";
import { CATCH_UP_POLICIES, OVERLAP_POLICIES } from "../domain/schedule.js";
import {
  anyFunction,
  anyText,
  anyValue,
  closed,
  delay,
  fitting,
  listOf,
  mapOf,
  numberFrom,
  oneOf,
  orNull,
  type Rule,
  type Rules,
  refuseValue,
  someText,
  textOr,
  whole,
} from "./option-rules.js";
import type { CheckedTaskOptions, IsolateOptions, RetryOptions, ScheduleOptions } from "./task-definition.js";

/** Whether it is a Standard Schema: some are objects, some are functions. */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const { "~standard": standard } = value as { readonly "~standard"?: { readonly validate?: unknown } };
  return typeof standard?.validate === "function";
}

const schema = fitting("a schema (zod, valibot, arktype or any Standard Schema)", isSchema);

type Kind = Backoff["kind"];

const BACKOFFS: { readonly [K in Kind]: Rule } = {
  fixed: closed<Extract<Backoff, { kind: "fixed" }>>(
    { kind: anyValue, delayMs: delay },
    { required: ["delayMs"], meant: { ms: "delayMs" } },
  ),
  exponential: closed<Extract<Backoff, { kind: "exponential" }>>(
    { kind: anyValue, firstMs: delay, factor: numberFrom(0), maxMs: delay, jitter: numberFrom(0, 1) },
    { required: ["firstMs", "factor", "maxMs", "jitter"], meant: { delayMs: "firstMs" } },
  ),
};

const anyKind = oneOf(Object.keys(BACKOFFS));

const backoff: Rule = {
  check: (value, place) => {
    if (typeof value !== "object" || value === null) refuseValue(value, place, "an object with a kind");
    const { kind } = value as { readonly kind?: unknown };
    anyKind.check(kind, { ...place, path: `${place.path}.kind` });
    BACKOFFS[kind as Kind].check(value, place);
  },
};

const rate = closed<RateLimit>({ max: whole(1), perMs: whole(1) }, { required: ["max", "perMs"] });

const schedule = closed<ScheduleOptions<unknown>>({
  name: someText,
  cron: anyText,
  // Judged together with `cron`.
  everyMs: anyValue,
  timeZone: anyText,
  params: anyValue,
  catchUp: oneOf(CATCH_UP_POLICIES),
  overlap: oneOf(OVERLAP_POLICIES),
});

const retry = closed<RetryOptions>(
  {
    maxAttempts: whole(1),
    backoff,
    byError: mapOf(textOr(oneOf(["never"]), closed<RetryRule>({ maxAttempts: whole(1), backoff }))),
    delay: anyFunction,
  },
  { meant: { attempts: "maxAttempts", retries: "maxAttempts", limit: "maxAttempts" } },
);

const isolate = closed<IsolateOptions>(
  {
    module: fitting("the address of the module that exports it, as import.meta.url", (value) => {
      return (typeof value === "string" && value !== "") || value instanceof URL;
    }),
    maxHeapMb: whole(1),
  },
  { required: ["module"] },
);

const LONGEST_TYPE = 200;

/** Errors: `invalid_input`. */
function checkType(type: unknown): void {
  if (typeof type !== "string") refuseValue(type, { path: "type", owner: "a task" }, "a text");
  if (type.length >= 1 && type.length <= LONGEST_TYPE && type.isWellFormed()) return;
  throw new WaybillError(
    "invalid_input",
    `A task's type has ${type.length} characters; expected 1 to ${LONGEST_TYPE}.`,
  );
}

/** What handlers are called elsewhere. */
export const CALLED_RUN: readonly string[] = ["handler", "handle", "execute", "perform", "process", "fn", "work"];

const RULES: Rules<CheckedTaskOptions<string, StandardSchemaV1, StandardSchemaV1>> = {
  type: { check: checkType },
  params: schema,
  run: anyFunction,
  result: schema,
  priority: whole(Number.MIN_SAFE_INTEGER),
  retry,
  timeoutMs: orNull(whole(1)),
  deadlineMs: orNull(whole(1)),
  concurrency: orNull(whole(1)),
  keyConcurrency: whole(1),
  rateLimit: rate,
  keyRateLimit: rate,
  schedules: listOf(schedule),
  isolate,
};

export const DEFINITION_KEYS = Object.keys(RULES);

export const definitionRule = closed(RULES, {
  required: ["type", "params", "run"],
  meant: {
    ...Object.fromEntries(CALLED_RUN.map((name) => [name, "run"])),
    name: "type",
    schema: "params",
    input: "params",
    output: "result",
    attempts: "retry.maxAttempts",
    retries: "retry.maxAttempts",
    cron: "schedules",
    everyMs: "schedules",
  },
});
