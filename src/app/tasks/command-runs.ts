/** The runs of a task of the type `command`: found by a label that names the task. */
import type { Run } from "../../domain/run.js";
import type { Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";
import type { AppContext } from "../context.js";
import { requestCancels } from "../runs/cancel-runs.js";

export const COMMAND = "command";

const LABEL = "task";

export const labelOf = (taskId: string): Readonly<Record<string, string>> => ({ [LABEL]: taskId });

/** Newest first. More than a few are active only if somebody labels others so. */
const MOST = 100;

export async function activeRunsOf(context: AppContext, taskId: string): Promise<readonly Run[]> {
  const store = await context.store();
  return await store.runs.listRuns({ labels: labelOf(taskId), statuses: ["pending", "running"] }, { limit: MOST });
}

/** Null before its first run, and once that was removed. */
export const newestRunOf = async ({ runs }: Store, taskId: string): Promise<string | null> =>
  (await runs.listRuns({ labels: labelOf(taskId) }, { limit: 1 }))[0]?.id ?? null;

/** Ends what earlier tries may have left, and waits until it is gone: a task has never two runs at once. */
export async function cancelOtherRuns(
  context: AppContext,
  taskId: string,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const others = (await activeRunsOf(context, taskId)).filter(({ id }) => id !== runId);
  if (others.length === 0) return;
  await requestCancels(context, others, true, signal);
  signal.throwIfAborted();
}

/**
 * After a task was cancelled or removed: its run goes with it, also when no engine executes the task just now. Sees to it
 * that somebody carries that out, and does not wait for it.
 */
export async function cancelRunsOfTask(context: AppContext, { id, type }: Task): Promise<void> {
  if (type !== COMMAND) return;
  const runs = await activeRunsOf(context, id);
  if (runs.length > 0) await requestCancels(context, runs, false);
}
