/** Reads a plan of tasks (`version: 1`, `tasks:`), or says everything that is wrong with it, each fault at its line. */
import * as z from "zod";
import type { JsonValue } from "../domain/canonical-json.js";
import { DEPENDENCY_OUTCOMES, type DependencyOutcome } from "../domain/dependency.js";
import { WaybillError } from "../domain/errors.js";
import { nearest } from "../domain/nearest.js";
import { PATH_MODES, type PathScope, toPathScope } from "../domain/path-scope.js";
import { inOrderOfDependencies } from "../domain/task-links.js";
import { timeText } from "./fields.js";
import { fileError } from "./file-problem.js";
import { later } from "./later.js";
import type { ValueFault } from "./schema-issue.js";
import { type Rule, readYaml } from "./yaml-document.js";
import { fileDuration, fileText, isMap } from "./yaml-values.js";

export interface PlannedTask {
  /** Unique in the plan; with the plan's key it is who the task is. */
  readonly name: string;
  readonly type: string;
  readonly params: JsonValue;
  readonly priority: number;
  readonly tags: readonly string[];
  /** Names of tasks of the plan that have to end before, and how. */
  readonly after: readonly { readonly name: string; readonly outcome: DependencyOutcome }[];
  readonly paths: readonly PathScope[];
  readonly maxAttempts: number | null;
  readonly timeoutMs: number | null;
  readonly deadlineMs: number | null;
  readonly delayMs: number | null;
  /** Not before this time; epoch milliseconds. */
  readonly runAt: number | null;
  readonly concurrencyKey: string | null;
}

export interface TaskPlan {
  /** Which plan this is, whatever it says; null: what it says is what it is. */
  readonly key: string | null;
  readonly tasks: readonly PlannedTask[];
}

/** `build`, or `{ name: build, outcome: ended }`. */
const predecessor = z.preprocess(
  (value) => (typeof value === "string" ? { name: value } : value),
  z.strictObject({ name: z.string(), outcome: z.enum(DEPENDENCY_OUTCOMES).default("completed") }),
);

const patterns = z.array(fileText).default([]);

const planSchema = later(() =>
  z.strictObject({
    version: z.literal(1),
    key: fileText.optional(),
    tasks: z.array(
      z.strictObject({
        name: fileText,
        type: fileText.refine((type) => type.length <= 200, { error: "expected at most 200 characters" }),
        params: z.unknown().optional(),
        priority: z.int().default(0),
        tags: z.array(fileText).default([]),
        after: z.array(predecessor).default([]),
        paths: z.strictObject({ read: patterns, write: patterns, space: z.string().default("") }).optional(),
        max_attempts: z.int().min(1).optional(),
        timeout: fileDuration.optional(),
        deadline: fileDuration.optional(),
        delay: fileDuration.optional(),
        at: timeText.optional(),
        concurrency_key: fileText.optional(),
      }),
    ),
  }),
);
type Entry = z.output<ReturnType<typeof planSchema>>["tasks"][number];

/** The tasks of a document that may not be a plan, those that are maps, with their places. */
function tasksIn(
  plan: unknown,
): readonly { readonly index: number; readonly task: Readonly<Record<string, unknown>> }[] {
  if (!isMap(plan) || !Array.isArray(plan.tasks)) return [];
  return (plan.tasks as unknown[]).flatMap((task, index) => (isMap(task) ? [{ index, task }] : []));
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

function uniqueNames(plan: unknown): ValueFault[] {
  const first = new Map<unknown, number>();
  return tasksIn(plan).flatMap(({ index, task: { name } }): ValueFault[] => {
    if (typeof name !== "string") return [];
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    const message = `repeated name ${JSON.stringify(name)}, already given to task ${earlier + 1}`;
    return [{ path: ["tasks", index, "name"], message, hint: "names of tasks are unique in a plan" }];
  });
}

const nameOf = (item: unknown): unknown => (isMap(item) ? item.name : item);

function knownPredecessors(plan: unknown): ValueFault[] {
  const names = new Set(tasksIn(plan).flatMap(({ task: { name } }) => (typeof name === "string" ? [name] : [])));
  return tasksIn(plan).flatMap(({ index, task }) =>
    listOf(task.after).flatMap((item, at): ValueFault[] => {
      const name = nameOf(item);
      if (typeof name !== "string" || names.has(name)) return [];
      const near = nearest(name, [...names]);
      const hint = near === null ? "tasks wait for tasks of the same plan" : `did you mean "${near}"?`;
      return [{ path: ["tasks", index, "after", at], message: `no task is named ${JSON.stringify(name)}`, hint }];
    }),
  );
}

/** One circle at a time: when it is cut, others may be gone, too. */
function noCircles(plan: unknown): ValueFault[] {
  const named = tasksIn(plan).flatMap(({ index, task }) => {
    const after = listOf(task.after).map(nameOf);
    return typeof task.name === "string" ? [{ id: task.name, index, dependsOn: after.flatMap(toLink) }] : [];
  });
  const fault = faultOf(() => inOrderOfDependencies(named));
  if (fault === null) return [];
  const circle = fault.details.cycle as readonly string[];
  const index = named.find(({ id }) => id === circle[0])?.index ?? 0;
  const message = `${JSON.stringify(circle[0])} waits for itself: ${circle.join(" after ")}`;
  return [{ path: ["tasks", index, "after"], message, hint: "leave one of them out" }];
}

const toLink = (name: unknown) => (typeof name === "string" ? [{ id: name }] : []);

function oneTimeEach(plan: unknown): ValueFault[] {
  return tasksIn(plan).flatMap(({ index, task }): ValueFault[] => {
    if (task.delay === undefined || task.at === undefined) return [];
    return [{ path: ["tasks", index, "at"], at: "key", message: "both delay and at", hint: "keep one of the two" }];
  });
}

/** YAML has numbers that JSON has not. */
function jsonParams(plan: unknown): ValueFault[] {
  return tasksIn(plan).flatMap(({ index, task }) => notJson(task.params, ["tasks", index, "params"]));
}

function notJson(value: unknown, path: ValueFault["path"]): ValueFault[] {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return [{ path, message: `${value} cannot be stored as JSON`, hint: "write it as text, in quotes" }];
  }
  if (Array.isArray(value)) return value.flatMap((item, at) => notJson(item, [...path, at]));
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => notJson(item, [...path, name]));
}

function goodPaths(plan: unknown): ValueFault[] {
  return tasksIn(plan).flatMap(({ index, task: { paths } }) =>
    PATH_MODES.flatMap((mode) =>
      listOf(isMap(paths) ? paths[mode] : []).flatMap((pattern, at): ValueFault[] => {
        const fault = typeof pattern === "string" ? faultOf(() => toPathScope(mode, pattern)) : null;
        if (fault === null) return [];
        const hint = fault.hint === undefined ? {} : { hint: fault.hint };
        return [{ path: ["tasks", index, "paths", mode, at], message: fault.message, ...hint }];
      }),
    ),
  );
}

function faultOf(check: () => unknown): WaybillError | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof WaybillError) return error;
    throw error;
  }
}

const RULES = [uniqueNames, knownPredecessors, noCircles, oneTimeEach, jsonParams, goodPaths];

function toPlanned(entry: Entry): PlannedTask {
  const { paths } = entry;
  return {
    name: entry.name,
    type: entry.type,
    params: (entry.params ?? {}) as JsonValue,
    priority: entry.priority,
    tags: entry.tags,
    after: entry.after,
    paths: PATH_MODES.flatMap((mode) => (paths?.[mode] ?? []).map((one) => toPathScope(mode, one, paths?.space))),
    maxAttempts: entry.max_attempts ?? null,
    timeoutMs: entry.timeout ?? null,
    deadlineMs: entry.deadline ?? null,
    delayMs: entry.delay ?? null,
    runAt: entry.at === undefined ? null : Date.parse(entry.at),
    concurrencyKey: entry.concurrency_key ?? null,
  };
}

const isEmpty = (plan: unknown): boolean =>
  plan === undefined ||
  (isMap(plan) && (plan.tasks === null || (Array.isArray(plan.tasks) && plan.tasks.length === 0)));

/**
 * @param fileName as problems are to name it, such as `tasks.yaml`
 * @param rules what else must hold of the document
 * @throws `invalid_plan` with every problem in the message and in `details.problems`; `empty_plan` when it has no task
 */
export function parseTaskPlan(bytes: Uint8Array, fileName: string, rules: readonly Rule[] = []): TaskPlan {
  let empty = false;
  const noteEmpty = (value: unknown): ValueFault[] => {
    empty = isEmpty(value);
    return [];
  };
  const reading = readYaml(bytes, planSchema(), [noteEmpty, ...RULES, ...rules]);
  if (empty) {
    const hint = "Add at least one: `tasks: [{ name: build, type: command, params: { argv: [make] } }]`.";
    throw new WaybillError("empty_plan", `${fileName} has no tasks.`, { hint, details: { file: fileName } });
  }
  if (!reading.ok) throw fileError("invalid_plan", fileName, reading.problems);
  const { key, tasks } = reading.value;
  return { key: key ?? null, tasks: tasks.map(toPlanned) };
}
