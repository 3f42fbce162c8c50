import { toTaskView } from "../../contracts/task-views.js";
import type { CallHandler } from "../context.js";
import { findTask } from "./find-task.js";
import { pausedTypes } from "./pause-queues.js";

export const listTasks: CallHandler<"tasks.list"> = async (context, input) => {
  const store = await context.store();
  const filter = {
    ...(input.state.length === 0 ? {} : { states: input.state }),
    ...(input.type.length === 0 ? {} : { types: input.type }),
    ...(input.tag === undefined ? {} : { tag: input.tag }),
    ...(input.parent === undefined ? {} : { parentId: (await findTask(store, input.parent)).id }),
  };
  const before = input.before === undefined ? {} : { before: (await findTask(store, input.before)).id };
  const tasks = await store.tasks.listTasks(filter, { ...before, limit: input.limit });
  const types = new Set(tasks.map(({ type }) => type));
  const paused = (await pausedTypes(store)).filter((type) => types.has(type));
  const next = tasks.length < input.limit ? null : (tasks.at(-1)?.id ?? null);
  return { tasks: tasks.map(toTaskView), next, paused };
};
