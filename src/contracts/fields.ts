/** Fields that several operations share, so that a word means and checks the same everywhere. */
import * as z from "zod";
import { parseByteSize } from "../domain/byte-size.js";
import { parseContactPolicy, RETURN_CHOICES } from "../domain/contact-policy.js";
import { formatDuration, isDuration, parseDuration } from "../domain/duration.js";

export const SCHEMA_VERSION = "v1";

/** RFC 3339, UTC, milliseconds. */
export const time = z.string().meta({ format: "date-time" });
export const maybeTime = time.nullable();

export const toTime = (ms: number): string => new Date(ms).toISOString();
export const toMaybeTime = (ms: number | null): string | null => (ms === null ? null : toTime(ms));

/** Some thousand years: no time that is counted from now on is out of what a date can hold. */
const LONGEST_DURATION_MS = 1_000_000 * 24 * 60 * 60_000;

/** `90s`, `30m`, `1h30m`; stays text on the wire, see `durationMs`. */
export const duration = z
  .string()
  .refine((text) => isDuration(text), { error: 'expected a duration such as "90s", "30m" or "1h30m"', abort: true })
  .refine((text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= LONGEST_DURATION_MS, {
    error: `expected at most ${formatDuration(LONGEST_DURATION_MS)}`,
    abort: true,
  });

/** A limit of none would end what has not begun. */
export const someTime = duration.refine((text) => parseDuration(text) !== 0, { error: "expected more than no time" });

/** Milliseconds of a field checked by `duration`; null when it was not given. */
export const durationMs = (text: string | undefined): number | null =>
  text === undefined ? null : parseDuration(text);

/** What becomes of a run whose machine cannot be reached. Text on the wire, see `parseContactPolicy`. */
export const contactPolicy = z.string().refine((text) => parseContactPolicy(text) !== null, {
  error: 'expected "wait", "stop_after 10m" or "replace_after 1h", with at least 10s',
});

/** Which end counts when a machine comes back while another one runs the replacement. */
export const returnChoice = z.enum(RETURN_CHOICES);

/** `512MiB`, `10GiB`; stays text on the wire, see `parseByteSize`. */
export const byteSize = z
  .string()
  .refine((text) => parseByteSize(text) !== null, { error: 'expected a size such as "512MiB" or "10GiB"' });

/** RFC 3339, a date alone included, which is its first moment in UTC. */
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A time as text on the wire, see `Date.parse`. */
export const timeText = z.string().refine((text) => TIME.test(text) && !Number.isNaN(Date.parse(text)), {
  error: 'expected a time such as "2026-11-21T14:02:00Z"',
});

/** A moment of the past: how long ago, or a time. Text on the wire, see `momentMs`. */
export const moment = z
  .string()
  .refine((text) => parseDuration(text) !== null || (TIME.test(text) && !Number.isNaN(Date.parse(text))), {
    error: 'expected how long ago, such as "7d", or a time such as "2026-11-21" or "2026-11-21T14:02:00Z"',
  });

/** Epoch milliseconds of a field checked by `moment`. */
export function momentMs(text: string, now: number): number {
  const ago = parseDuration(text);
  return ago === null ? Date.parse(text) : now - ago;
}

export const runId = z.string().min(1).describe("run id, or any unique prefix of one");
export const batchId = z.string().min(1).describe("batch id, or any unique prefix of one");
export const taskId = z.string().min(1).describe("task id, or any unique prefix of one");
export const limit = z.coerce.number().int().min(1).max(1000).default(20).describe("how many to show at most");
export const before = z.string().optional().describe("show what is older than this id (the `next` of the page before)");
/** Patterns of artifacts, each in git's syntax; none: all of them. */
export const globs = z.array(z.string().min(1)).default([]);
