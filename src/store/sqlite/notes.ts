import { WaybillError } from "../../domain/errors.js";
import type { TaskNote } from "../../domain/note.js";
import { type TaskState, waitsForPerson } from "../../domain/task.js";
import type { AttemptWrite } from "../attempt-store.js";
import { type Granted, granted, refused } from "../granted.js";
import type { Answer, NewNote, NoteStore } from "../note-store.js";
import { appendEvent } from "./event-log.js";
import type { Session, SqlScope } from "./session.js";
import { LIMIT } from "./statements.js";
import { guarded, refuseWrite } from "./task-ends.js";
import { afterEnd, queueTask } from "./task-gates.js";
import { insertNote, noteFromRow } from "./task-notes.js";
import { readTask } from "./task-queries.js";
import { readTaskRow, type TaskRow } from "./task-rows.js";

export const NOTES_OF_TASK = `
  SELECT * FROM task_notes WHERE seq = (SELECT seq FROM tasks WHERE id = $id) AND number > $after
  ORDER BY number ${LIMIT}`;
export const NEWEST_NOTES = `
  SELECT * FROM (
    SELECT *, sum(length(text)) OVER (ORDER BY number DESC) - length(text) AS newer_characters FROM (
      SELECT * FROM task_notes WHERE seq = (SELECT seq FROM tasks WHERE id = $id) ORDER BY number DESC ${LIMIT}))
  WHERE newer_characters = 0 OR newer_characters + length(text) <= $characters`;

/** What the newest attempt brought is the task's result. */
export const ACCEPT = `
  UPDATE tasks SET state = 'completed', gate = 'open', question = NULL, ended_at = $now,
    result = (SELECT attempts.result FROM attempts WHERE attempts.seq = tasks.seq AND attempts.attempt = tasks.attempt)
  WHERE seq = $seq`;

function addNote(scope: SqlScope, note: NewNote): AttemptWrite<TaskNote> {
  const { taskId, guard, author, kind, text } = note;
  const row = guard === undefined ? readTaskRow(scope, taskId) : guarded(scope, guard);
  if (row !== null) return { written: true, value: insertNote(scope, row, { author, kind, text }) };
  return guard === undefined ? { written: false, refusal: "not_found" } : refuseWrite(scope, guard, "note");
}

function answer(scope: SqlScope, wish: Answer): Granted<TaskState> {
  const { taskId, by, text, accept } = wish;
  const row = readTaskRow(scope, taskId);
  if (row === null) {
    return refused(new WaybillError("task_not_found", `There is no task ${taskId}.`, { details: { id: taskId } }));
  }
  const error = refusalOf(row, accept);
  if (error !== null) return refused(error);
  if (text !== "") insertNote(scope, row, { author: by, kind: "answer", text });
  appendEvent(scope, { type: "task.answered", subject: taskId, data: { by, gate: row.gate, accepted: accept } });
  if (accept) acceptTask(scope, row);
  else queueTask(scope, row, "answer");
  return granted(readTask(scope, taskId)?.state ?? row.state);
}

function refusalOf({ id, state, gate }: TaskRow, accept: boolean): WaybillError | null {
  const details = { id, state, gate };
  if (state !== "queued" || !waitsForPerson(gate)) {
    const found =
      state === "queued" ? `waits for ${gate === "open" ? "somebody to execute it" : `its ${gate}`}` : `is ${state}`;
    return new WaybillError("invalid_state", `Task ${id} ${found}; only one that waits for a person can be answered.`, {
      hint: "Leave word for whoever executes it with `waybill tasks note`.",
      details,
    });
  }
  if (!accept || gate === "review") return null;
  return new WaybillError("invalid_state", `Task ${id} has asked a question and brought nothing to accept.`, {
    hint: "Answer the question without --accept.",
    details,
  });
}

function acceptTask(scope: SqlScope, row: TaskRow): void {
  const { seq, id, attempt } = row;
  scope.sql(ACCEPT).run({ seq, now: scope.now() });
  appendEvent(scope, { type: "task.finished", subject: id, data: { attempt, state: "completed" } });
  afterEnd(scope, row, "completed");
}

export function sqliteNotes(session: Session): NoteStore {
  return {
    addNote: (note) => session.write(() => addNote(session, note)),
    listNotes: (id, page) =>
      session.read(() =>
        session
          .sql(NOTES_OF_TASK)
          .all({ id, ...page })
          .map(noteFromRow),
      ),
    newestNotes: (id, most) =>
      session.read(() =>
        session
          .sql(NEWEST_NOTES)
          .all({ id, ...most })
          .map(noteFromRow)
          .reverse(),
      ),
    answer: (wish) => session.write(() => answer(session, wish)),
  };
}
