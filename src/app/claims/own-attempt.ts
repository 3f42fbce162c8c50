/** The attempt that a caller says is its own. Whether it is, the store decides when something is written about it. */
import type { AttemptGuard } from "../../domain/attempt.js";
import { WaybillError } from "../../domain/errors.js";
import type { Task, TaskState } from "../../domain/task.js";
import type { AttemptWrite, EndRequest } from "../../store/attempt-store.js";
import type { Store } from "../../store/store.js";
import type { AppContext } from "../context.js";
import { findTask } from "../tasks/find-task.js";
import { fenceOf } from "./caller.js";

export interface OwnAttempt {
  readonly store: Store;
  /** As it was found. */
  readonly task: Task;
  readonly guard: AttemptGuard;
}

interface Named {
  readonly id: string;
  readonly fence?: number | undefined;
}

/** Errors: `task_not_found`, `ambiguous_id`, `invalid_input` without a fence. */
export async function ownAttempt(context: AppContext, input: Named): Promise<OwnAttempt> {
  const fence = fenceOf(context.settings, input.fence);
  const store = await context.store();
  const task = await findTask(store, input.id);
  return { store, task, guard: guardOf(task, fence) };
}

/** Names the task's newest attempt under a fence that may be another's, as whoever came late would have it. */
export const guardOf = ({ id, sequence, attempt }: Task, fence: number): AttemptGuard => ({
  taskId: id,
  sequence,
  attempt,
  fence,
});

/** The value of a write that happened. Errors: `stale_write`, which the store has counted. */
export function mustBeWritten<T>({ taskId, fence }: AttemptGuard, answer: AttemptWrite<T>): T {
  if (answer.written) return answer.value;
  const message = `The attempt of the fence ${fence} is not, or no longer, the running one of task ${taskId}.`;
  throw new WaybillError("stale_write", message, {
    hint: `It has ended, or somebody else has it; what is done under this fence counts for nothing. See \`waybill tasks show ${taskId}\`.`,
    details: { id: taskId, fence, refusal: answer.refusal },
  });
}

/** Ends the attempt, with what the worker said of it. Errors: `stale_write`. */
export async function endAttempt(store: Store, request: EndRequest): Promise<void> {
  mustBeWritten(request.guard, await tryToEnd(store, request));
}

/** The same for a caller who knows what a refusal means. */
export async function tryToEnd({ attempts }: Store, request: EndRequest): Promise<AttemptWrite<TaskState>> {
  const [answer] = await attempts.endAttempts([request]);
  return answer ?? { written: false, refusal: "not_found" };
}

/** How the task stands after a write. Errors: `task_not_found` when it was removed meanwhile. */
export async function readAgain(store: Store, id: string): Promise<Task> {
  const task = await store.tasks.getTask(id);
  if (task === null) throw new WaybillError("task_not_found", `Task ${id} was removed meanwhile.`);
  return task;
}
