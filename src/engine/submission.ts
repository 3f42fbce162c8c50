/** From what a caller says to what the store is asked to record. */
import type { Dependency } from "../domain/dependency.js";
import { WaybillError } from "../domain/errors.js";
import { normaliseScopes, type PathScope, type PathWish } from "../domain/path-scope.js";
import { canonicalTaskId } from "../domain/task-identity.js";
import type { UniqueScope } from "../domain/unique-key.js";
import type { NewTask } from "../store/task-store.js";
import { checkSchema } from "./check-schema.js";
import { faultOfDefinition } from "./definition-fault.js";
import { isSchema } from "./definition-options.js";
import { checkSubmitOptions } from "./submit-options.js";
import type { TaskDefinition } from "./task-definition.js";

/** JSON text of params and results may have this many characters. Larger things belong into a file or a bucket. */
export const LARGEST_JSON = 64 * 1024 * 1024;

export interface SubmitOptions {
  /** The task's own UUID: submitted again with the same params, the same task is answered. Default a new UUIDv7. */
  readonly id?: string;
  /** Higher goes first. Default the definition's. */
  readonly priority?: number;
  /** Not before this time; or so many milliseconds from now. Default at once. */
  readonly runAt?: Date | number;
  readonly delayMs?: number;
  /** Tasks that have to end before: an id means that it has to be completed. */
  readonly dependsOn?: readonly (string | Dependency)[];
  /** While another task of the type holds the key, that one is answered. A text alone means `{ scope: "active" }`. */
  readonly uniqueKey?: string | { readonly key: string; readonly scope: UniqueScope };
  /** Tasks of the type that share it run one after the other, or as many at once as the definition says. */
  readonly concurrencyKey?: string;
  /** Default the definition's. */
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
  readonly deadlineMs?: number;
  /** To find it by, and for workers that take only some. */
  readonly tags?: readonly string[];
  /** What it reads and writes: it does not run beside a task of which one writes what the other reads or writes. */
  readonly paths?: readonly PathWish[];
  /** The task during which it was found. */
  readonly discoveredFrom?: string;
  /** Who submits it, for whoever looks at it later. */
  readonly createdBy?: string;
  /** Opaque text that the handler gets, such as a `traceparent`. */
  readonly trace?: string;
  /** Submitted again under its own id, a task that has failed or was cancelled is tried again. Default false. */
  readonly retryEnded?: boolean;
}

export interface SubmissionFacts {
  readonly newId: () => string;
  readonly parentId?: string;
  readonly schedule?: string;
}

const toDependency = (on: string | Dependency): Dependency =>
  typeof on === "string"
    ? { id: canonicalTaskId(on), outcome: "completed" }
    : { id: canonicalTaskId(on.id), outcome: on.outcome };

const toUnique = (key: SubmitOptions["uniqueKey"]): NewTask["unique"] =>
  key === undefined ? null : typeof key === "string" ? { key, scope: "active" } : key;

/** Errors: `code` for what JSON cannot hold, or what is too long for it. */
export function toJson(value: unknown, what: string, code: "invalid_input" | "invalid_result"): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new WaybillError(code, `${what} cannot be stored as JSON: ${said}.`, { cause: error });
  }
  if (text === undefined) return "null";
  if (text.length <= LARGEST_JSON) return text;
  throw new WaybillError(code, `${what} has ${text.length} characters as JSON; at most ${LARGEST_JSON} fit.`, {
    hint: "Keep large data in a file or a bucket, and its name in the task.",
  });
}

const NO_DEPENDENCIES: readonly Dependency[] = [];
const NO_TAGS: readonly string[] = [];
const NO_PATHS: readonly PathScope[] = [];

/** Without a look at the params; for callers that have no definition, their JSON text is stored as it is. */
export function toNewTask(
  type: string,
  params: string,
  options: SubmitOptions,
  facts: SubmissionFacts,
  defaults: Pick<TaskDefinition, "priority" | "deadlineMs">,
): NewTask {
  checkSubmitOptions(options);
  return {
    id: options.id === undefined ? facts.newId() : canonicalTaskId(options.id),
    ownId: options.id !== undefined,
    type,
    params,
    priority: options.priority ?? defaults.priority,
    runAt: options.runAt === undefined ? null : Number(options.runAt),
    delayMs: options.delayMs ?? null,
    deadlineMs: options.deadlineMs ?? defaults.deadlineMs,
    maxAttempts: options.maxAttempts ?? null,
    timeoutMs: options.timeoutMs ?? null,
    concurrencyKey: options.concurrencyKey ?? null,
    unique: toUnique(options.uniqueKey),
    dependsOn: options.dependsOn?.map(toDependency) ?? NO_DEPENDENCIES,
    tags: options.tags ?? NO_TAGS,
    paths: options.paths === undefined ? NO_PATHS : normaliseScopes(options.paths),
    parentId: facts.parentId ?? null,
    discoveredFrom: options.discoveredFrom === undefined ? null : canonicalTaskId(options.discoveredFrom),
    schedule: facts.schedule ?? null,
    createdBy: options.createdBy ?? null,
    trace: options.trace ?? null,
    retryEnded: options.retryEnded ?? false,
  };
}

/** What a submission needs of a definition. */
export type Submittable<Input = unknown> = Pick<
  TaskDefinition<string, Input>,
  "type" | "paramsSchema" | "priority" | "deadlineMs" | "inputType"
>;

const notDefined = (given: unknown): WaybillError =>
  new WaybillError("invalid_input", `The task to submit: ${faultOfDefinition(given) ?? "its schema cannot be used"}.`, {
    hint: "Give what defineTask returns, or the name of a type that the engine knows.",
  });

/**
 * Checks params by the definition's schema and makes the record to submit; at once, where the schema answers at once.
 * The params are stored as they were given: the schema's own changes are made when they are used.
 *
 * Errors: `invalid_input`, `invalid_task_id`.
 */
export function prepareSubmission(
  definition: Submittable,
  params: unknown,
  options: SubmitOptions,
  facts: SubmissionFacts,
): NewTask | Promise<NewTask> {
  // A caller without a compiler may give anything; what it gave is said rather than what was looked for in it.
  if (!isSchema(definition?.paramsSchema)) throw notDefined(definition);
  const make = (): NewTask => {
    const text = toJson(params, `The params of "${definition.type}"`, "invalid_input");
    return toNewTask(definition.type, text, options, facts, definition);
  };
  const what = `The params of "${definition.type}"`;
  const checked = checkSchema(definition.paramsSchema, params, what, "invalid_input");
  return checked instanceof Promise ? checked.then(make) : make();
}
