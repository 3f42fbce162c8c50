import { toTaskView } from "../../contracts/task-views.js";
import { isEndedTask, type Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";
import type { CallHandler, Progress } from "../context.js";
import { awaitTasks } from "./await-tasks.js";
import { findTasks } from "./find-task.js";
import { enginesFor, knownEngines } from "./live-engines.js";
import { withSpan } from "./run-spans.js";

async function whatIsAwaited(store: Store, tasks: readonly Task[]): Promise<Progress> {
  const open = tasks.filter(({ state }) => !isEndedTask(state));
  const engines = open.length === 0 ? [] : await knownEngines(store);
  const types = [...new Set(open.map(({ type }) => type))];
  const untaken = types.filter((type) => enginesFor(engines, type).length === 0);
  return { type: "awaited", tasks: open.map(toTaskView), untaken };
}

export const waitTasks: CallHandler<"tasks.wait"> = async (context, input, options) => {
  const store = await context.store();
  const found = await findTasks(store, input.id);
  const ids = found.map(({ id }) => id);
  await options.onProgress?.(await whatIsAwaited(store, found));
  const tasks = await awaitTasks(store, ids, { any: input.any, limit: input.timeout, signal: options.signal });
  return { tasks: await Promise.all(tasks.map((task) => withSpan(store, task))) };
};
