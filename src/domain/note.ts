/** The thread of a task: what people and workers say about it. */

/** `question` and `answer` are between a worker and a person; a `notice` tells what was done to the task, and why. */
export const NOTE_KINDS = ["note", "question", "answer", "notice"] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

/** So much text of a thread is given to a worker with its task, or shown of it, at most. The rest is read page by page. */
export const MOST_NOTE_CHARACTERS = 1024 * 1024;

export interface TaskNote {
  /** Grows from note to note; the cursor of whoever follows a thread. */
  readonly number: number;
  readonly at: number;
  /** Opaque; who it says to be. */
  readonly author: string;
  readonly kind: NoteKind;
  /** The attempt that wrote it, or that was running; null when there was none. */
  readonly attempt: number | null;
  readonly text: string;
}
