/** When a schedule is due: croner knows cron and time zones, intervals are arithmetic. */
import { Cron } from "croner";
import { WaybillError } from "../domain/errors.js";
import { MOST_CAUGHT_UP, nextInterval, type Rhythm } from "../domain/schedule.js";

const cronOf = ({ cron, timeZone }: Extract<Rhythm, { kind: "cron" }>): Cron =>
  new Cron(cron, { timezone: timeZone, paused: true });

/** Errors: `invalid_input` for what can never be due. */
export function checkRhythm(name: string, rhythm: Rhythm): void {
  if (rhythm.kind === "interval") {
    if (Number.isSafeInteger(rhythm.everyMs) && rhythm.everyMs >= 1) return;
    throw new WaybillError(
      "invalid_input",
      `The schedule "${name}" is every ${rhythm.everyMs} ms; expected a whole number from 1.`,
    );
  }
  try {
    // Asking for a time, since a time zone is looked at only then.
    cronOf(rhythm).nextRun(new Date(0));
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new WaybillError(
      "invalid_input",
      `The schedule "${name}" has "${rhythm.cron}" in ${rhythm.timeZone}: ${said}.`,
      {
        hint: 'For example "0 3 * * *" in "Europe/Berlin".',
        cause: error,
      },
    );
  }
}

/** The first time after `after`; null when there is none. */
export function timeAfter(rhythm: Rhythm, after: number, from: number): number | null {
  if (rhythm.kind === "interval") return nextInterval(rhythm.everyMs, from, after);
  return cronOf(rhythm).nextRun(new Date(after))?.getTime() ?? null;
}

/** Windows before now that are searched for the newest times, so that a long absence costs no more than a short one. */
const WINDOWS_MS = [60_000, 3_600_000, 86_400_000, 31 * 86_400_000] as const;

/** The times from `dueAt` to `now`, oldest first: all of them, up to a number, or at least the newest. */
export function timesUntil(rhythm: Rhythm, dueAt: number, now: number, all: boolean): readonly number[] {
  if (rhythm.kind === "interval") {
    const count = Math.floor((now - dueAt) / rhythm.everyMs) + 1;
    const first = Math.max(0, count - (all ? MOST_CAUGHT_UP : 1));
    return Array.from({ length: count - first }, (_, n) => dueAt + (first + n) * rhythm.everyMs);
  }
  const cron = cronOf(rhythm);
  const enough = all ? MOST_CAUGHT_UP : 1;
  for (const window of WINDOWS_MS) {
    const from = now - window;
    if (from <= dueAt) break;
    const times = cronTimes(cron, from, now);
    if (times.length >= enough) return times;
  }
  return cronTimes(cron, dueAt, now);
}

/** The newest times in [from, until], up to a number. */
function cronTimes(cron: Cron, from: number, until: number): readonly number[] {
  const times: number[] = [];
  let at = cron.nextRun(new Date(from - 1_000));
  while (at !== null && at.getTime() <= until) {
    if (at.getTime() >= from) times.push(at.getTime());
    if (times.length > MOST_CAUGHT_UP) times.shift();
    at = cron.nextRun(at);
  }
  return times;
}
