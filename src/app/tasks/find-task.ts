/** Finds tasks by id, in any spelling of a UUID, or by a unique prefix. */
import { WaybillError } from "../../domain/errors.js";
import type { Task } from "../../domain/task.js";
import { canonicalTaskId } from "../../domain/task-identity.js";
import type { Store } from "../../store/store.js";
import { findByPrefix } from "../find-by-prefix.js";

/** Errors: `task_not_found`, `ambiguous_id`. */
export async function findTask(store: Store, id: string): Promise<Task> {
  const find = (prefix: string, limit: number) => store.tasks.findTasksByPrefix(prefix, limit);
  return await findByPrefix({ what: "task", notFound: "task_not_found", find, list: "waybill tasks list" }, spell(id));
}

export async function findTasks(store: Store, ids: readonly string[]): Promise<Task[]> {
  return await Promise.all(ids.map((id) => findTask(store, id)));
}

function spell(id: string): string {
  try {
    return canonicalTaskId(id);
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    // No whole id: a prefix of one.
    return id.toLowerCase();
  }
}
