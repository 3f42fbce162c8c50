/** When tasks began, and how many attempts they took: of the run that they are in, an explicit retry begins the next. */
import { toTime } from "../../contracts/fields.js";
import { type SpannedTaskView, toTaskView } from "../../contracts/task-views.js";
import type { Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";

export async function withSpan(store: Store, task: Task): Promise<SpannedTaskView> {
  const attempts = task.attempt === 0 ? [] : await store.attempts.listAttempts(task.id);
  const own = attempts.filter(({ run }) => run === task.run);
  const first = own[0];
  const view = toTaskView(task);
  return {
    ...view,
    first_started_at: first === undefined ? null : toTime(first.startedAt),
    attempts_of_run: own.length,
  };
}
