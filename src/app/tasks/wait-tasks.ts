import type { CallHandler } from "../context.js";
import { awaitTasks } from "./await-tasks.js";
import { findTasks } from "./find-task.js";
import { withSpan } from "./run-spans.js";

export const waitTasks: CallHandler<"tasks.wait"> = async (context, input, options) => {
  const store = await context.store();
  const ids = (await findTasks(store, input.id)).map(({ id }) => id);
  const tasks = await awaitTasks(store, ids, { any: input.any, limit: input.timeout, signal: options.signal });
  return { tasks: await Promise.all(tasks.map((task) => withSpan(store, task))) };
};
