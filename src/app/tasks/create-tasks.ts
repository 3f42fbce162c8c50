/** `tasks create`: all tasks of a plan, or none, each under an id that follows from the plan's key and its name. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { v5 } from "uuid";
import type { OutputOf } from "../../contracts/index.js";
import type { ValueFault } from "../../contracts/schema-issue.js";
import { type PlannedTask, parseTaskPlan, type TaskPlan } from "../../contracts/task-plan-file.js";
import { isMap } from "../../contracts/yaml-values.js";
import { canonicalJson } from "../../domain/canonical-json.js";
import { WaybillError } from "../../domain/errors.js";
import type { Task } from "../../domain/task.js";
import { checkSameTask } from "../../domain/task-identity.js";
import { nameTag } from "../../domain/task-name.js";
import { toJson, toNewTask } from "../../engine/submission.js";
import type { Store } from "../../store/store.js";
import type { NewTask } from "../../store/task-store.js";
import type { AppContext, CallHandler } from "../context.js";
import { COMMAND } from "./command-runs.js";
import { commandTask } from "./command-task.js";

/** Of no meaning but to be nobody else's (RFC 9562, 6.6): ids are made from names within it. */
const PLANS = "6f1d3c9a-7b57-5c1e-9d63-3f0b8f3a52c4";

type Created = OutputOf<"tasks.create">["tasks"][number];

interface PlanFile {
  /** As problems name it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where its commands are executed. */
  readonly directory: string;
}

interface NamedTask {
  readonly planned: PlannedTask;
  readonly record: NewTask;
}

export const createTasks: CallHandler<"tasks.create"> = async (context, { file, dry_run: dryRun }, options) => {
  const plan = readPlan(context, await openPlan(context, file, options.standardInput));
  const key = plan.key ?? createHash("sha256").update(canonicalJson(plan.tasks)).digest("hex");
  const tasks = plan.tasks.map((planned) => toNamedTask(context, key, planned));
  const store = await context.store();
  const known = await knownAmong(store, tasks);
  if (!dryRun) await store.tasks.submitAll(tasks.map(({ record }) => record));
  const found = await store.tasks.getTasks(tasks.map(({ record }) => record.id));
  const toView = ({ planned, record: { id, type } }: NamedTask): Created => ({
    name: planned.name,
    id,
    type,
    outcome: known.has(id) ? "existing" : "created",
    state: found.get(id)?.state ?? null,
    after: planned.after.map(({ name }) => name),
  });
  return { key, dry_run: dryRun, tasks: tasks.map(toView) };
};

async function openPlan(
  { settings: { cwd } }: AppContext,
  file: string,
  standardInput: (() => Promise<Uint8Array>) | undefined,
): Promise<PlanFile> {
  if (file === "-" && standardInput !== undefined) {
    return { name: "standard input", bytes: await standardInput(), directory: cwd };
  }
  const path = resolve(cwd, file);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new WaybillError("invalid_input", `The plan ${file} cannot be read: ${cause.code ?? cause.message}.`, {
      cause,
      hint: "Give the path of a YAML file with `version: 1` and `tasks:`.",
    });
  });
  return { name: file, bytes, directory: dirname(path) };
}

/** The plan with its commands in their directories: relative ones are relative to the plan. */
function readPlan(context: AppContext, { name, bytes, directory }: PlanFile): TaskPlan {
  const plan = parseTaskPlan(bytes, name, [(document) => commandFaults(context, document)]);
  return { ...plan, tasks: plan.tasks.map((task) => ({ ...task, params: inDirectory(task, directory) })) };
}

function inDirectory({ type, params }: PlannedTask, directory: string): PlannedTask["params"] {
  if (type !== COMMAND || !isMap(params)) return params;
  const cwd = typeof params.cwd === "string" ? params.cwd : ".";
  return { ...params, cwd: resolve(directory, cwd) } as PlannedTask["params"];
}

/** Of the one type whose params are known here. */
function commandFaults(context: AppContext, document: unknown): ValueFault[] {
  const tasks: unknown = isMap(document) ? document.tasks : undefined;
  if (!Array.isArray(tasks)) return [];
  const { paramsSchema } = commandTask(context);
  return tasks.flatMap((task: unknown, index): ValueFault[] => {
    if (!isMap(task) || task.type !== COMMAND) return [];
    const checked = paramsSchema["~standard"].validate(task.params ?? {});
    if (checked instanceof Promise || checked.issues === undefined) return [];
    return checked.issues.map(({ path = [], message }) => ({
      path: ["tasks", index, "params", ...path.map((part) => keyOf(part))],
      message: `params of a command: ${message}`,
    }));
  });
}

const keyOf = (part: PropertyKey | { readonly key: PropertyKey }): string | number => {
  const key = typeof part === "object" ? part.key : part;
  return typeof key === "number" ? key : String(key);
};

const idOf = (key: string, name: string): string => v5(`${key}\0${name}`, PLANS);

function toNamedTask({ settings }: AppContext, key: string, planned: PlannedTask): NamedTask {
  const { type, params, delayMs, runAt, maxAttempts, timeoutMs, deadlineMs, concurrencyKey } = planned;
  const given = Object.entries({ delayMs, runAt, maxAttempts, timeoutMs, deadlineMs, concurrencyKey });
  const options = {
    ...Object.fromEntries(given.filter(([, value]) => value !== null)),
    id: idOf(key, planned.name),
    priority: planned.priority,
    tags: [...nameTag(planned.name), ...planned.tags],
    paths: planned.paths,
    dependsOn: planned.after.map(({ name, outcome }) => ({ id: idOf(key, name), outcome })),
    createdBy: settings.user,
  };
  const text = toJson(params, `The params of "${planned.name}"`, "invalid_input");
  const record = toNewTask(type, text, options, { newId: () => options.id }, { priority: 0, deadlineMs: null });
  return { planned, record };
}

/** The ids that were submitted before. Errors: `task_conflict` for one that is other work now. */
async function knownAmong(store: Store, tasks: readonly NamedTask[]): Promise<ReadonlySet<string>> {
  const found = await store.tasks.getTasks(tasks.map(({ record }) => record.id));
  for (const task of tasks) {
    const known = found.get(task.record.id);
    if (known !== undefined) mustBeSame(task, known);
  }
  return new Set(found.keys());
}

/** Errors: `task_conflict`, by the name that the plan has for it. */
function mustBeSame({ planned, record: { id } }: NamedTask, known: Task): void {
  try {
    checkSameTask(id, known, planned);
  } catch (cause) {
    if (!(cause instanceof WaybillError)) throw cause;
    const { name } = planned;
    throw new WaybillError("task_conflict", `"${name}" is not what this plan submitted before: ${cause.message}`, {
      hint: "Give the plan another key or the task another name, or remove the task first (`waybill tasks rm`).",
      details: { ...cause.details, name },
      cause,
    });
  }
}
