import { toTaskView } from "../../contracts/task-views.js";
import { Reaper } from "../claims/reaper.js";
import type { CallHandler } from "../context.js";
import { awaitTasks } from "./await-tasks.js";
import { describeAwaitedClaims } from "./awaited-claims.js";
import { cancelRunsOfTask } from "./command-runs.js";
import { findTasks } from "./find-task.js";

/** The runs of commands are told, too: between two engines nobody else would. */
export const cancelTasks: CallHandler<"tasks.cancel"> = async (context, input, options) => {
  const store = await context.store();
  const ids = (await findTasks(store, input.id)).map(({ id }) => id);
  for (const id of ids) {
    const task = await store.tasks.requestTaskCancel(id, context.settings.user);
    if (task !== null) await cancelRunsOfTask(context, task);
  }
  if (input.wait) {
    // What nobody alive executes would never end: where there are claims alone, this is the only one to look.
    const reaper = new Reaper(store);
    await reaper.reap();
    const why = await describeAwaitedClaims(store, ids);
    if (why !== null) await options.onProgress?.({ type: "waiting", why });
    await awaitTasks(store, ids, {
      any: false,
      limit: undefined,
      signal: options.signal,
      before: () => reaper.reap(),
    });
  }
  const tasks = await store.tasks.getTasks(ids);
  return { tasks: ids.flatMap((id) => tasks.get(id) ?? []).map(toTaskView) };
};
