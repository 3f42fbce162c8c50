/** A note of a task's thread as interfaces see it. */
import * as z from "zod";
import { NOTE_KINDS, type TaskNote } from "../domain/note.js";
import { time, toTime } from "./fields.js";
import { later } from "./later.js";

export const noteView = later(() =>
  z.object({
    number: z.number().int().describe("cursor"),
    at: time,
    author: z.string(),
    kind: z.enum(NOTE_KINDS),
    attempt: z.number().int().nullable().describe("the attempt that was running"),
    text: z.string(),
  }),
);
export type NoteView = z.infer<ReturnType<typeof noteView>>;

export const toNoteView = ({ at, ...note }: TaskNote): NoteView => ({ ...note, at: toTime(at) });
