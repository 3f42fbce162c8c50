/** What a type of task is: its schema, its handler, and the rules by which it is executed. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonValue } from "../domain/canonical-json.js";
import { WaybillError } from "../domain/errors.js";
import type { RateLimit } from "../domain/rate-limit.js";
import { type Backoff, DEFAULT_RETRY, type RetryPolicy } from "../domain/retry.js";
import type { CatchUpPolicy, OverlapPolicy, Rhythm } from "../domain/schedule.js";
import { definitionRule } from "./definition-options.js";
import { checkRhythm } from "./schedule-times.js";
import { toJson } from "./submission.js";
import type { TaskContext } from "./task-context.js";

/** How long an attempt may take unless the definition or the submission says otherwise; milliseconds. */
export const DEFAULT_TIMEOUT_MS = 3_600_000;

export interface ScheduleOptions<Input> {
  /** Unique in the store; default the type, followed by `-2` and so on for further ones. */
  readonly name?: string;
  /** A cron expression of five or six fields (with seconds), or an interval in milliseconds. One of them. */
  readonly cron?: string;
  readonly everyMs?: number;
  /** For `cron`; an IANA name. Default UTC. */
  readonly timeZone?: string;
  readonly params: Input;
  /** What becomes of times at which no engine ran. Default `latest`. */
  readonly catchUp?: CatchUpPolicy;
  /** What happens while the task of an earlier time has not ended. Default `skip`. */
  readonly overlap?: OverlapPolicy;
}

export interface RetryOptions {
  /** How many attempts may fail before the task does. Default 3. */
  readonly maxAttempts?: number;
  /** Default exponential from 1 s to 1 h by a factor of 2, with a jitter of a half. */
  readonly backoff?: Backoff;
  /** Default none. */
  readonly byError?: RetryPolicy["byError"];
  /** A delay of your own in milliseconds, instead of the backoff; null ends the task. */
  readonly delay?: (failures: number, error: unknown) => number | null;
}

export interface IsolateOptions {
  /** The module that exports this definition: `import.meta.url`. */
  readonly module: string | URL;
  /** The memory of the thread's heap in megabytes; default Node's own. */
  readonly maxHeapMb?: number;
}

interface CommonOptions<Type extends string, P extends StandardSchemaV1> {
  /** Names the type in the store; 1 to 200 characters. */
  readonly type: Type;
  /** Checks the params when they are submitted and again before they are used. */
  readonly params: P;
  /** Higher goes first. Default 0; a submission's own goes before it. */
  readonly priority?: number;
  readonly retry?: RetryOptions;
  /** How long an attempt may take; null for no limit. Default 1 h. */
  readonly timeoutMs?: number | null;
  /** How long after its submission a task must have ended. Default no limit. */
  readonly deadlineMs?: number | null;
  /** How many of this type run at once, over all engines of the store. Default any number. */
  readonly concurrency?: number | null;
  /** The same for tasks that share a concurrency key. Default 1. */
  readonly keyConcurrency?: number;
  /** How often attempts of this type begin, over all engines; and those that share a concurrency key. Default any number. */
  readonly rateLimit?: RateLimit;
  readonly keyRateLimit?: RateLimit;
  readonly schedules?: readonly ScheduleOptions<StandardSchemaV1.InferInput<P>>[];
  /** Runs the handler in a thread of its own, so that one that blocks or crashes harms nobody else. Default in the engine's. */
  readonly isolate?: IsolateOptions;
}

type Handler<P extends StandardSchemaV1, Returned> = (
  params: StandardSchemaV1.InferOutput<P>,
  context: TaskContext,
) => Returned | Promise<Returned>;

export interface TaskOptions<Type extends string, P extends StandardSchemaV1, Returned> extends CommonOptions<Type, P> {
  /** Must be safe to repeat: a task runs at least once. */
  readonly run: Handler<P, Returned>;
}

export interface CheckedTaskOptions<Type extends string, P extends StandardSchemaV1, R extends StandardSchemaV1>
  extends CommonOptions<Type, P> {
  /** Checks what the handler returns; what does not fit fails the task. */
  readonly result: R;
  readonly run: Handler<P, StandardSchemaV1.InferInput<R>>;
}

export interface TaskSchedule {
  readonly name: string;
  readonly rhythm: Rhythm;
  readonly params: JsonValue;
  readonly catchUp: CatchUpPolicy;
  readonly overlap: OverlapPolicy;
}

/** A type of task, as `defineTask` makes it. `Input` is what is submitted, `Result` what `result()` answers with. */
export interface TaskDefinition<Type extends string = string, Input = unknown, Result = unknown> {
  readonly type: Type;
  readonly paramsSchema: StandardSchemaV1;
  readonly resultSchema: StandardSchemaV1 | null;
  readonly priority: number;
  readonly retry: RetryPolicy;
  readonly retryDelay: ((failures: number, error: unknown) => number | null) | null;
  readonly timeoutMs: number | null;
  readonly deadlineMs: number | null;
  readonly concurrency: number | null;
  readonly keyConcurrency: number;
  readonly rateLimit: RateLimit | null;
  readonly keyRateLimit: RateLimit | null;
  readonly schedules: readonly TaskSchedule[];
  readonly isolate: { readonly module: string; readonly maxHeapMb: number | null } | null;
  readonly run: (params: unknown, context: TaskContext) => unknown;
  /** Never there: they carry the types from the definition to whoever submits. */
  readonly inputType?: Input;
  readonly resultType?: Result;
}

/**
 * Errors: `invalid_input` for an option that there is not, one that is missing or of the wrong kind, an empty or long type,
 * a limit below 1, a backoff that comes to no time, a schedule without or with two rhythms, a bad cron expression.
 */
export function defineTask<Type extends string, P extends StandardSchemaV1, R extends StandardSchemaV1>(
  options: CheckedTaskOptions<Type, P, R>,
): TaskDefinition<Type, StandardSchemaV1.InferInput<P>, StandardSchemaV1.InferOutput<R>>;
export function defineTask<Type extends string, P extends StandardSchemaV1, Returned>(
  options: TaskOptions<Type, P, Returned>,
): TaskDefinition<Type, StandardSchemaV1.InferInput<P>, Returned>;
export function defineTask<Type extends string, P extends StandardSchemaV1>(
  options: TaskOptions<Type, P, unknown> & { readonly result?: StandardSchemaV1 },
): TaskDefinition<Type, StandardSchemaV1.InferInput<P>, unknown> {
  definitionRule.check(options, { path: "", owner: nameOf(options) });
  const { type, retry = {}, isolate } = options;
  return {
    type,
    paramsSchema: options.params,
    resultSchema: options.result ?? null,
    priority: options.priority ?? 0,
    retry: {
      maxAttempts: retry.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
      backoff: retry.backoff ?? DEFAULT_RETRY.backoff,
      byError: retry.byError ?? DEFAULT_RETRY.byError,
    },
    retryDelay: retry.delay ?? null,
    timeoutMs: options.timeoutMs === undefined ? DEFAULT_TIMEOUT_MS : options.timeoutMs,
    deadlineMs: options.deadlineMs ?? null,
    concurrency: options.concurrency ?? null,
    keyConcurrency: options.keyConcurrency ?? 1,
    rateLimit: options.rateLimit ?? null,
    keyRateLimit: options.keyRateLimit ?? null,
    schedules: (options.schedules ?? []).map((schedule, at) => toSchedule(type, schedule, at)),
    isolate: isolate === undefined ? null : { module: String(isolate.module), maxHeapMb: isolate.maxHeapMb ?? null },
    run: options.run as TaskDefinition["run"],
  };
}

/** As messages name it: before it is checked, it may be anything. */
function nameOf(options: unknown): string {
  const { type } = (options ?? {}) as { readonly type?: unknown };
  return typeof type === "string" ? `the task "${type}"` : "a task";
}

function toSchedule(type: string, options: ScheduleOptions<unknown>, at: number): TaskSchedule {
  const name = options.name ?? (at === 0 ? type : `${type}-${at + 1}`);
  const { cron, everyMs } = options;
  if ((cron === undefined) === (everyMs === undefined)) {
    throw new WaybillError("invalid_input", `The schedule "${name}" needs either cron or everyMs.`);
  }
  const rhythm: Rhythm =
    cron === undefined
      ? { kind: "interval", everyMs: everyMs ?? 0 }
      : { kind: "cron", cron, timeZone: options.timeZone ?? "UTC" };
  checkRhythm(name, rhythm);
  const text = toJson(options.params ?? null, `The params of the schedule "${name}"`, "invalid_input");
  const params = JSON.parse(text) as JsonValue;
  return { name, rhythm, params, catchUp: options.catchUp ?? "latest", overlap: options.overlap ?? "skip" };
}
