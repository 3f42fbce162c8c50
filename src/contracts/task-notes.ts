/** Operations on the thread of a task: what people and workers say about it. */
import * as z from "zod";
import { taskId } from "./fields.js";
import { noteView } from "./note-view.js";
import { operation, streaming } from "./operation.js";
import { taskView } from "./task-views.js";
import { agent, LONGEST_NOTE } from "./worker-fields.js";

const noteText = z
  .string()
  .min(1, "expected some text, found none")
  .max(LONGEST_NOTE, `expected at most ${LONGEST_NOTE} characters; keep larger things in a file`)
  .refine((text) => text.isWellFormed(), "expected valid Unicode");

export const addNote = operation({
  name: "tasks.note",
  command: "tasks note",
  summary: "Add to the thread of a task, also after its end",
  effect: "write",
  positional: ["id", "text"],
  input: () =>
    z.object({
      id: taskId,
      text: noteText.describe("the note, @FILE, or - for standard input"),
      fence: z.coerce
        .number()
        .int()
        .min(1)
        .optional()
        .describe("only while the attempt of this fence runs (default: anybody may write)"),
      agent,
    }),
  output: () => noteView(),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "stale_write"],
  examples: [
    ['tasks note 0199a3 "the flaky test is not mine"', "for whoever looks at it next"],
    ["tasks note 0199a3 @findings.md --fence 17", "only while it is still mine"],
  ],
});

export const taskNotes = streaming({
  name: "tasks.notes",
  command: "tasks notes",
  summary: "Print the thread of a task, oldest first",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      after: z.coerce.number().int().min(0).default(0).describe("only what is newer than this cursor"),
      follow: z.boolean().default(false).describe("go on until the task ends"),
    }),
  output: () => noteView(),
  errors: ["task_not_found", "ambiguous_id"],
  examples: [["tasks notes 0199a3 --after 41 --follow", "what is new, and what comes"]],
});

export const answerTask = operation({
  name: "tasks.answer",
  command: "tasks answer",
  summary: "Answer a task that waits for a person: it is queued again, or with --accept completed",
  effect: "write",
  positional: ["id", "text"],
  input: () =>
    z.object({
      id: taskId,
      text: z
        .string()
        .max(LONGEST_NOTE)
        .refine((text) => text.isWellFormed(), "expected valid Unicode")
        .optional()
        .describe("the answer, @FILE, or - for standard input"),
      accept: z.boolean().default(false).describe("of a review: what was brought is the task's result"),
      agent,
    }),
  output: () => z.object({ task: taskView() }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "invalid_state"],
  examples: [
    ['tasks answer 0199a3 "the second one"', "to its question; the next attempt reads it"],
    ["tasks answer 0199a3 --accept", "the fork is good: the task is completed with it"],
    ['tasks answer 0199a3 "the names are wrong"', "the fork is not: the task goes back to work"],
  ],
});
