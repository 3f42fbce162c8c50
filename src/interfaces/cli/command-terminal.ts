/** What a command in the foreground gets of this process's terminal, and how that is given back. */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import type { CallerTerminal } from "../../app/context.js";

const STDIN = 0;
const STDOUT = 1;

export interface CommandTerminal extends CallerTerminal {
  release(): void;
}

/**
 * A file or a pipe is handed over: what the program leaves unread is left for the next reader, and it can go on reading
 * when this process has left. A terminal is passed on instead, since a program that was left running would take the keys
 * that are meant for the shell.
 *
 * @param raw every key goes to the program, Ctrl-C too
 */
export function openCommandTerminal(raw: boolean): CommandTerminal {
  const { columns = 80, rows = 24 } = process.stdout;
  const seen = { colours: isatty(STDOUT), size: [columns, rows] as const };
  if (!isatty(STDIN)) return { ...seen, input: STDIN, release: () => undefined };
  if (!isInForeground()) return { ...seen, input: null, release: () => undefined };
  const { stdin } = process;
  if (raw) stdin.setRawMode(true);
  return {
    ...seen,
    input: stdin,
    release: () => {
      if (raw) stdin.setRawMode(false);
      stdin.unpipe();
      stdin.destroy();
    },
  };
}

/** A job in the background that reads its terminal is stopped (POSIX.1-2017, 11.1.4). Fields 5 and 8 of proc(5). */
function isInForeground(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group === foreground;
  } catch {
    // No /proc on this system: a command that was called from a terminal is taken to be in its foreground.
    return true;
  }
}
