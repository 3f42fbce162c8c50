/** Unique keys: while one task holds a key, another submission of its type under that key is answered with it. */
import { isEndedTask, type Task, type TaskState, WAITING_TASK_STATES } from "./task.js";

/** How long a task holds its key: until an attempt begins, until it has ended, or for a time since its submission. */
export type UniqueScope = "waiting" | "active" | { readonly forMs: number };

const WAITING: readonly TaskState[] = WAITING_TASK_STATES;

export function holdsUniqueKey(task: Pick<Task, "state" | "submittedAt">, scope: UniqueScope, now: number): boolean {
  if (scope === "waiting") return WAITING.includes(task.state);
  if (scope === "active") return !isEndedTask(task.state);
  return now - task.submittedAt < scope.forMs;
}
