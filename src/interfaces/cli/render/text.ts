/** How things look in a terminal: one tone and one sign a status, short ids, times and tables. */
import pc from "picocolors";
import { describeDuration } from "../../../domain/duration.js";
import type { RunStatus } from "../../../domain/run.js";

type Tone = (text: string) => string;

const LOOK: Record<RunStatus, { readonly sign: string; readonly tone: Tone }> = {
  pending: { sign: "·", tone: pc.dim },
  running: { sign: "▶", tone: pc.cyan },
  completed: { sign: "✔", tone: pc.green },
  failed: { sign: "✖", tone: pc.red },
  interrupted: { sign: "■", tone: pc.yellow },
  timeout: { sign: "⏱", tone: pc.red },
};

export const formatStatus = (status: RunStatus): string => LOOK[status].tone(`${LOOK[status].sign} ${status}`);

/** Enough of a UUIDv7 to be unique: its 48-bit time and 12 random bits. */
export const shortId = (id: string): string => id.slice(0, 18);

export function elapsed(startedAt: string | null, endedAt: string | null, now: number): string {
  if (startedAt === null) return "";
  const end = endedAt === null ? now : Date.parse(endedAt);
  return describeDuration(Math.max(0, end - Date.parse(startedAt)));
}

/** `14:02:11` for today, `2026-11-21 14:02` else; local time, since people read it. */
export function formatTime(time: string | null, now: number): string {
  if (time === null) return "";
  const local = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString();
  const [then, today] = [local(Date.parse(time)), local(now)];
  return then.slice(0, 10) === today.slice(0, 10) ? then.slice(11, 19) : then.slice(0, 16).replace("T", " ");
}

/** Columns without borders, as `ls` and `docker ps` print them; the library counts wide characters. */
export async function table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const none = Object.fromEntries(
    [
      "top",
      "top-mid",
      "top-left",
      "top-right",
      "bottom",
      "bottom-mid",
      "bottom-left",
      "bottom-right",
      "left",
      "left-mid",
      "mid",
      "mid-mid",
      "right",
      "right-mid",
    ].map((name) => [name, ""]),
  );
  const made = new Table({
    head: head.map((title) => pc.bold(title)),
    chars: { ...none, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  for (const row of rows) made.push(row.map((cell) => cell.replace(/[\r\n\t]/g, " ")));
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Rows of a table that is not shown by pages. */
const MOST_ROWS = 200;

/** A table of what may be tens of thousands: its beginning, and how many more there are. `rows` are made as they are shown. */
export async function shortTable<T>(
  head: readonly string[],
  items: readonly T[],
  toRow: (item: T) => readonly string[],
): Promise<string> {
  const shown = await table(head, items.slice(0, MOST_ROWS).map(toRow));
  const more = items.length - MOST_ROWS;
  return more <= 0 ? shown : `${shown}\n${pc.dim(`… and ${more} more; --json has them all`)}`;
}

/** `key  value` lines; empty values are left out. */
export function facts(pairs: readonly (readonly [string, string | number | null | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${pc.dim(name.padEnd(width))}  ${value}`).join("\n");
}

/** Values for people may come from files and machines: control characters must not reach the terminal. */
export const printable = (text: string): string =>
  text.replace(/(?![\n\t])\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** What is shown of params, results and progress, which may be megabytes; characters. */
const SHOWN = 400;

/** A value as JSON, its beginning when it is long; null for nothing. */
export function shortJson(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value);
  return printable(text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text);
}
