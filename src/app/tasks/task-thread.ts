/** `tasks note`, `tasks notes` and `tasks answer`: the thread of a task, between workers and people. */
import { toNoteView } from "../../contracts/note-view.js";
import { toTaskView } from "../../contracts/task-views.js";
import { WaybillError } from "../../domain/errors.js";
import { isEndedTask } from "../../domain/task.js";
import { agentIdOf } from "../claims/caller.js";
import { guardOf, mustBeWritten, readAgain } from "../claims/own-attempt.js";
import type { CallHandler, StreamHandler } from "../context.js";
import { findTask } from "./find-task.js";

/** Notes that one look brings at most; each may be megabytes. */
const PAGE = 20;

export const addNote: CallHandler<"tasks.note"> = async (context, { id, text, fence, agent }) => {
  const author = agentIdOf(context.settings, agent);
  const store = await context.store();
  const task = await findTask(store, id);
  const note = { taskId: task.id, author, kind: "note", text } as const;
  if (fence !== undefined) {
    const guard = guardOf(task, fence);
    return toNoteView(mustBeWritten(guard, await store.notes.addNote({ ...note, guard })));
  }
  const answer = await store.notes.addNote(note);
  if (answer.written) return toNoteView(answer.value);
  throw new WaybillError("task_not_found", `Task ${task.id} was removed meanwhile.`);
};

export const taskNotes: StreamHandler<"tasks.notes"> = async function* (context, input, { signal }) {
  const store = await context.store();
  const { id } = await findTask(store, input.id);
  let after = input.after;
  for (;;) {
    // Asked before the notes are read, so that those which came before its end are among them.
    const task = await store.tasks.getTask(id);
    const notes = await store.notes.listNotes(id, { after, limit: PAGE });
    for (const note of notes) yield toNoteView(note);
    after = notes.at(-1)?.number ?? after;
    if (signal?.aborted === true) return;
    if (notes.length === PAGE) continue;
    if (!input.follow || task === null || isEndedTask(task.state)) return;
    await store.events.waitForChange(1_000, signal);
  }
};

export const answerTask: CallHandler<"tasks.answer"> = async (context, { id, text = "", accept, agent }) => {
  if (text === "" && !accept) {
    throw new WaybillError("invalid_input", "There is no answer; expected its text, or --accept for a review.");
  }
  const by = agentIdOf(context.settings, agent);
  const store = await context.store();
  const { id: taskId } = await findTask(store, id);
  const answer = await store.notes.answer({ taskId, by, text, accept });
  if (!answer.granted) throw answer.error;
  return { task: toTaskView(await readAgain(store, taskId)) };
};
