import type { NoteKind, TaskNote } from "../../domain/note.js";
import type { SqlRow } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { integer, integerOrNull, text } from "./rows.js";
import type { SqlScope } from "./session.js";
import type { TaskRow } from "./task-rows.js";

const INSERT_NOTE = `
  INSERT INTO task_notes (seq, attempt, at, author, kind, text) VALUES ($seq, $attempt, $at, $author, $kind, $text)
  RETURNING *`;

export const noteFromRow = (row: SqlRow): TaskNote => ({
  number: integer(row, "number"),
  at: integer(row, "at"),
  author: text(row, "author"),
  kind: row.kind as NoteKind,
  attempt: integerOrNull(row, "attempt"),
  text: text(row, "text"),
});

export type Said = Pick<TaskNote, "author" | "kind" | "text">;

/** Adds to a task's thread inside a write. @param row the task as it was when it was said */
export function insertNote(scope: SqlScope, row: TaskRow, note: Said): TaskNote {
  const attempt = row.state === "running" ? row.attempt : null;
  const found = scope.sql(INSERT_NOTE).get({ seq: row.seq, attempt, at: scope.now(), ...note });
  const added = noteFromRow(found ?? {});
  const { number, kind } = added;
  appendEvent(scope, { type: "task.noted", subject: row.id, data: { number, kind, attempt } });
  return added;
}
