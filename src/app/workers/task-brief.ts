/** What a child is told: its task, under which fence it executes it, and what was said about it. One line of JSON. */
import { toMaybeTime, toTime } from "../../contracts/fields.js";
import { toNoteView } from "../../contracts/note-view.js";
import { WaybillError } from "../../domain/errors.js";
import { MOST_NOTE_CHARACTERS } from "../../domain/note.js";
import type { Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";

/** The newest notes of the thread; the store has them all. */
const MOST_NOTES = 100;

/** Errors: `task_not_found` when it was removed meanwhile, and the store's. */
export async function briefOf(store: Store, taskId: string, attempt: number, fence: number): Promise<string> {
  const [task, paths, notes] = await Promise.all([
    store.tasks.getTask(taskId),
    store.tasks.pathsOf(taskId),
    store.notes.newestNotes(taskId, { limit: MOST_NOTES, characters: MOST_NOTE_CHARACTERS }),
  ]);
  if (task === null)
    throw new WaybillError("task_not_found", `Task ${taskId} was removed.`, { details: { id: taskId } });
  return `${JSON.stringify({ ...toBrief(task), paths, attempt, fence, notes: notes.map(toNoteView) })}\n`;
}

const toBrief = (task: Task) => ({
  id: task.id,
  type: task.type,
  params: task.params,
  tags: task.tags,
  priority: task.priority,
  run: task.run,
  failures: task.failures,
  crashes: task.crashes,
  max_attempts: task.maxAttempts,
  timeout_ms: task.timeoutMs,
  deadline_at: toMaybeTime(task.deadlineAt),
  parent_id: task.parentId,
  created_by: task.createdBy,
  submitted_at: toTime(task.submittedAt),
  trace: task.trace,
});
