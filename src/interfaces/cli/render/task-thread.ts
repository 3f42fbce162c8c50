/** The thread of a task for people: who said what, and what was done to it. */
import pc from "picocolors";
import type { NoteView } from "../../../contracts/note-view.js";
import { formatTime, printable } from "./text.js";

const TONE: Readonly<Record<NoteView["kind"], (text: string) => string>> = {
  note: (text) => text,
  question: pc.yellow,
  answer: pc.green,
  notice: pc.dim,
};

/** A head with the cursor, and the text below it, indented, so that no text looks like another note's head. */
export function renderNote({ number, at, author, kind, attempt, text }: NoteView): string {
  const when = `${formatTime(at, Date.now())}${attempt === null ? "" : ` #${attempt}`}`;
  const head = `${pc.dim(String(number))} ${pc.dim(when)} ${pc.bold(onOneLine(author))}${kind === "note" ? "" : ` ${TONE[kind](kind)}`}`;
  const lines = printable(text).split("\n");
  return [head, ...lines.map((line) => `  ${TONE[kind](line)}`.trimEnd())].join("\n");
}

const onOneLine = (text: string): string => printable(text).replace(/[\n\t]/g, " ");
