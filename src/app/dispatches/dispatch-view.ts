/** What a dispatch answers with, read off what was recorded: whoever asks late is told the same. */
import type { OutputOf } from "../../contracts/index.js";
import { toTaskView } from "../../contracts/task-views.js";
import type { Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";
import { readAgain } from "../claims/own-attempt.js";

type View = OutputOf<"tasks.dispatch.parent">;

interface Found {
  readonly taskId: string;
  /** Of the attempt that it is about. */
  readonly fence: number;
  readonly workerAgentId: string;
  readonly source: View["source"];
  readonly doubt?: string | undefined;
}

export async function viewOfAttempt(store: Store, found: Found): Promise<View> {
  const { taskId, fence, workerAgentId, source, doubt = null } = found;
  const [task, attempts] = await Promise.all([readAgain(store, taskId), store.attempts.listAttempts(taskId)]);
  const attempt = attempts.find((one) => one.fence === fence);
  return {
    outcome: "recorded",
    source,
    task: toTaskView(task),
    worker_agent_id: workerAgentId,
    result: attempt?.result ?? null,
    doubt,
    error_code: attempt?.failure?.code ?? null,
  };
}

/** Of a task that had ended before: the result that was stored, whoever brought it. */
export async function viewOfEnded(store: Store, task: Task, workerAgentId: string): Promise<View> {
  const attempts = await store.attempts.listAttempts(task.id);
  return {
    outcome: "existing",
    source: "store",
    task: toTaskView(task),
    worker_agent_id: workerAgentId,
    result: attempts.at(-1)?.result ?? task.result,
    doubt: null,
    error_code: task.failure?.code ?? null,
  };
}
