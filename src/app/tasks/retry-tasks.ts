import type { ParsedInputOf } from "../../contracts/index.js";
import { toTaskView } from "../../contracts/task-views.js";
import { WaybillError } from "../../domain/errors.js";
import type { Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";
import type { RetriedTasks } from "../../store/task-store.js";
import type { CallHandler } from "../context.js";
import { findTasks } from "./find-task.js";

const AT_ONCE = 500;

export const retryTasks: CallHandler<"tasks.retry"> = async (context, input) => {
  mustMeanSome(input);
  const store = await context.store();
  if (input.all) return { retried: await retryAll(store, input.type), tasks: [] };
  const tasks: Task[] = [];
  // Two spellings may name one task.
  const named = new Map((await findTasks(store, input.id)).map((task) => [task.id, task]));
  for (const task of named.values()) tasks.push(await retry(store, task));
  return { retried: tasks.length, tasks: tasks.map(toTaskView) };
};

function mustMeanSome({ id, all, type }: ParsedInputOf<"tasks.retry">): void {
  if (all === id.length > 0) {
    throw new WaybillError("invalid_input", all ? "--all excludes ids." : "Nothing is named to be tried again.", {
      hint: "Give ids, or --all for every failed task, with --type for those of one type.",
    });
  }
  if (type.length > 0 && !all) throw new WaybillError("invalid_input", "--type is for --all; ids need no type.");
}

async function retry(store: Store, { id }: Task): Promise<Task> {
  const retried = await store.tasks.retryTask(id);
  if (retried !== null) return retried;
  const state = (await store.tasks.getTask(id))?.state ?? "removed";
  throw new WaybillError("invalid_state", `Task ${id} is ${state}; only a failed or cancelled one is tried again.`);
}

/** Each once: what fails again meanwhile is not tried for ever. */
async function retryAll(store: Store, types: readonly string[]): Promise<number> {
  let count = 0;
  for (let after: number | null = 0; after !== null; ) {
    const { retried, next }: RetriedTasks = await store.tasks.retryFailed(
      types.length === 0 ? null : types,
      after,
      AT_ONCE,
    );
    count += retried;
    after = next;
  }
  return count;
}
