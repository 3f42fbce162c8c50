/** Fields that several operations share, so that a word means and checks the same everywhere. */
import * as z from "zod";
import { parseDuration } from "../domain/duration.js";

export const SCHEMA_VERSION = "v1";

/** RFC 3339, UTC, milliseconds. */
export const time = z.string().meta({ format: "date-time" });
export const maybeTime = time.nullable();

export const toTime = (ms: number): string => new Date(ms).toISOString();
export const toMaybeTime = (ms: number | null): string | null => (ms === null ? null : toTime(ms));

/** `90s`, `30m`, `1h30m`; stays text on the wire, see `durationMs`. */
export const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, { error: 'expected a duration such as "90s", "30m" or "1h30m"' });

/** Milliseconds of a field checked by `duration`; null when it was not given. */
export const durationMs = (text: string | undefined): number | null =>
  text === undefined ? null : parseDuration(text);

export const runId = z.string().min(1).describe("run id, or any unique prefix of one");
export const batchId = z.string().min(1).describe("batch id, or any unique prefix of one");
export const limit = z.coerce.number().int().min(1).max(1000).default(20).describe("how many to show at most");
export const before = z.string().optional().describe("show what is older than this id (the `next` of the page before)");
