import { WaybillError } from "../../domain/errors.js";
import { isEndedTask } from "../../domain/task.js";
import type { CallHandler } from "../context.js";
import { cancelRunsOfTask } from "./command-runs.js";
import { findTasks } from "./find-task.js";

export const removeTasks: CallHandler<"tasks.rm"> = async (context, input) => {
  const store = await context.store();
  const tasks = await findTasks(store, input.id);
  const live = tasks.find(({ state }) => !isEndedTask(state));
  if (live !== undefined && !input.force) {
    throw new WaybillError("invalid_state", `Task ${live.id} is ${live.state}; nothing was removed.`, {
      hint: `Cancel it first: \`waybill tasks cancel ${live.id}\`; or remove it as it is, with --force.`,
    });
  }
  const removed: string[] = [];
  for (const task of tasks) {
    if (await store.tasks.removeTask(task.id)) removed.push(task.id);
    await cancelRunsOfTask(context, task);
  }
  return { removed };
};
