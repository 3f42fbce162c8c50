import { toTaskView } from "../../contracts/task-views.js";
import type { CallHandler } from "../context.js";

export const readyTasks: CallHandler<"tasks.ready"> = async (context, { type, tag, limit }) => {
  const store = await context.store();
  const types = type.length === 0 ? {} : { types: type };
  const tasks = await store.tasks.listReady({ ...types, tags: tag, limit });
  return { tasks: tasks.map(toTaskView) };
};
