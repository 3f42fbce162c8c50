/** `tasks submit`: check what can be checked here, record, wait if asked to. */
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { toTaskView } from "../../contracts/task-views.js";
import type { Dependency, DependencyOutcome } from "../../domain/dependency.js";
import { WaybillError } from "../../domain/errors.js";
import { nearest } from "../../domain/nearest.js";
import type { Task } from "../../domain/task.js";
import type { UniqueScope } from "../../domain/unique-key.js";
import { prepareSubmission, type SubmitOptions, toJson, toNewTask } from "../../engine/submission.js";
import type { TaskDefinition } from "../../engine/task-definition.js";
import type { Store } from "../../store/store.js";
import type { NewTask } from "../../store/task-store.js";
import type { AppContext, CallHandler } from "../context.js";
import { awaitTasks } from "./await-tasks.js";
import { COMMAND } from "./command-runs.js";
import { commandTask } from "./command-task.js";
import { findTask } from "./find-task.js";
import { enginesFor, knownEngines } from "./live-engines.js";
import { loadTaskModule } from "./load-task-module.js";
import { withSpan } from "./run-spans.js";
import { toPaths } from "./to-paths.js";

type Input = ParsedInputOf<"tasks.submit">;

export const submitTask: CallHandler<"tasks.submit"> = async (context, input, options) => {
  const store = await context.store();
  const [answer] = await store.tasks.submitTasks([await toSubmission(context, store, input)]);
  if (answer === undefined) throw new WaybillError("internal", "The store answered with nothing.");
  if (answer.outcome === "refused") throw answer.error;
  const { outcome, id } = answer;
  const task = await mustGet(store, id);
  const engines = enginesFor(await knownEngines(store), task.type).length;
  await options.onProgress?.({ type: "task", task: toTaskView(task), engines });
  if (!input.wait) return { outcome, task: await withSpan(store, task), result: null, engines };
  const [ended = task] = await awaitTasks(store, [id], {
    any: false,
    limit: input.wait_timeout,
    signal: options.signal,
  });
  return { outcome, task: await withSpan(store, ended), result: ended.result, engines };
};

async function mustGet(store: Store, id: string): Promise<Task> {
  const task = await store.tasks.getTask(id);
  if (task === null) throw new WaybillError("task_not_found", `Task ${id} was removed meanwhile.`);
  return task;
}

/** Errors: `invalid_input`, `unknown_task_type` when a module says which types there are, those of `loadTaskModule`. */
async function toSubmission(context: AppContext, store: Store, input: Input): Promise<NewTask> {
  const options = await toOptions(context, store, input);
  const facts = { newId: (await context.runtime()).newId };
  const params = toParams(context, input);
  const definition = await definitionOf(context, input);
  if (definition !== null) return await prepareSubmission(definition, params, options, facts);
  const text = toJson(params, `The params of "${input.type}"`, "invalid_input");
  return toNewTask(input.type, text, options, facts, { priority: 0, deadlineMs: null });
}

/** Null where nobody here can know the type: the engines that do may run elsewhere, or later. */
async function definitionOf(context: AppContext, { type, tasks }: Input): Promise<TaskDefinition | null> {
  if (type === COMMAND) return commandTask(context);
  if (tasks === undefined) return null;
  const { definitions } = await loadTaskModule(tasks, context.settings.cwd);
  const found = definitions.find((definition) => definition.type === type);
  if (found !== undefined) return found;
  const types = [...definitions.map((definition) => definition.type), COMMAND];
  const near = nearest(type, types);
  throw new WaybillError("unknown_task_type", `${tasks} defines no task of the type ${JSON.stringify(type)}.`, {
    hint: near === null ? `It defines ${types.slice(0, -1).join(", ")}.` : `Did you mean "${near}"?`,
    details: { type, types },
  });
}

/** What stands after -- is a command's; it is executed where it was submitted, unless its params say otherwise. */
function toParams(context: AppContext, { type, params = {}, argv }: Input): unknown {
  if (type !== COMMAND) {
    if (argv.length === 0) return params;
    throw new WaybillError("invalid_input", `Only the type ${COMMAND} takes arguments; "${type}" takes --params.`, {
      hint: `\`waybill tasks submit ${COMMAND} -- ${argv.join(" ")}\` executes a command.`,
    });
  }
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  return { cwd: context.settings.cwd, ...params, ...(argv.length === 0 ? {} : { argv }) };
}

/** Errors: `invalid_input` for a flag that means nothing without another, or beside it. */
function mustGoTogether(input: Input): void {
  const wrong: readonly (readonly [isWrong: boolean, message: string])[] = [
    [input.delay !== undefined && input.at !== undefined, "--delay and --at exclude each other; expected one of them."],
    [
      input.retry_ended && input.id === undefined,
      "--retry-ended needs --id: a task without an id of its own is always new.",
    ],
    [
      input.unique_scope !== undefined && input.unique_key === undefined,
      "--unique-scope says how long a key is held; expected --unique-key with it.",
    ],
    [input.wait_timeout !== undefined && !input.wait, "--wait-timeout says how long to wait; expected --wait with it."],
  ];
  const found = wrong.find(([isWrong]) => isWrong);
  if (found !== undefined) throw new WaybillError("invalid_input", found[1]);
}

async function toOptions(context: AppContext, store: Store, input: Input): Promise<SubmitOptions> {
  mustGoTogether(input);
  const given = <K extends string, V>(name: K, value: V | null | undefined) =>
    value == null ? {} : ({ [name]: value } as { readonly [P in K]: V });
  return {
    ...given("id", input.id),
    ...given("priority", input.priority),
    ...given("delayMs", durationMs(input.delay)),
    ...given("runAt", input.at === undefined ? null : Date.parse(input.at)),
    ...given("uniqueKey", toUniqueKey(input)),
    ...given("concurrencyKey", input.concurrency_key),
    ...given("maxAttempts", input.max_attempts),
    ...given("timeoutMs", durationMs(input.timeout)),
    ...given("deadlineMs", durationMs(input.deadline)),
    dependsOn: await Promise.all(input.depends_on.map((text) => toDependency(store, text))),
    tags: input.tag,
    paths: toPaths(input),
    ...given(
      "discoveredFrom",
      input.discovered_from === undefined ? null : (await findTask(store, input.discovered_from)).id,
    ),
    retryEnded: input.retry_ended,
    createdBy: context.settings.user,
  };
}

function toUniqueKey({ unique_key: key, unique_scope: scope = "active" }: Input): SubmitOptions["uniqueKey"] | null {
  if (key === undefined) return null;
  const forMs = durationMs(scope);
  return { key, scope: forMs === null ? (scope as Extract<UniqueScope, string>) : { forMs } };
}

async function toDependency(store: Store, text: string): Promise<Dependency> {
  const [prefix = "", outcome = "completed"] = text.split(":");
  const { id } = await findTask(store, prefix);
  return { id, outcome: outcome as DependencyOutcome };
}
