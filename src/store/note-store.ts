import type { AttemptGuard } from "../domain/attempt.js";
import type { NoteKind, TaskNote } from "../domain/note.js";
import type { TaskState } from "../domain/task.js";
import type { AttemptWrite } from "./attempt-store.js";
import type { Granted } from "./granted.js";

export interface NewNote {
  readonly taskId: string;
  readonly author: string;
  readonly kind: NoteKind;
  readonly text: string;
  /** The attempt that writes: refused when it is not, or no longer, the running one. Anybody may write without. */
  readonly guard?: AttemptGuard;
}

export interface Answer {
  readonly taskId: string;
  readonly by: string;
  readonly text: string;
  /** Of a review: what the last attempt brought completes the task. */
  readonly accept: boolean;
}

export interface NoteStore {
  /** Adds to a task's thread, also after its end. */
  addNote(note: NewNote): Promise<AttemptWrite<TaskNote>>;
  /** Notes of a task after the note `after` (0 for all), oldest first, at most `limit`; none of an unknown task. */
  listNotes(taskId: string, page: { readonly after: number; readonly limit: number }): Promise<readonly TaskNote[]>;
  /**
   * The newest notes of a task, oldest first: at most `limit`, and as many as have together at most `characters`. The very
   * newest is always among them.
   */
  newestNotes(
    taskId: string,
    most: { readonly limit: number; readonly characters: number },
  ): Promise<readonly TaskNote[]>;
  /**
   * Answers a task that waits for a person, in one write: the answer is its thread's newest note, and the task is queued
   * again; or, accepted, completed with the result of its last attempt. The value is the task's new state.
   *
   * Refused with `task_not_found`, or `invalid_state` when it waits for no person or there is nothing to accept.
   */
  answer(answer: Answer): Promise<Granted<TaskState>>;
}
