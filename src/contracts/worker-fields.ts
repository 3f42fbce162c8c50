/** Fields of the operations by which workers and people deal with tasks, so that a word means the same everywhere. */
import * as z from "zod";
import { formatDuration, parseDuration } from "../domain/duration.js";
import { isLabel } from "../domain/worker.js";
import { duration } from "./fields.js";

const label = z.string().refine(isLabel, { error: "expected 1 to 200 characters of valid Unicode" });

export const agent = label.optional().describe("who you are, for people (default: WAYBILL_AGENT_ID, else USER@HOST)");
export const session = label
  .optional()
  .describe("tells two of one agent apart, for people (default: WAYBILL_SESSION, else a new UUID)");
export const toAgent = label.describe("who it is given to, for people");

export const fence = z.coerce
  .number()
  .int()
  .min(1)
  .optional()
  .describe("the fence that came with the claim (default: WAYBILL_FENCE)");

/** Below the first nobody could renew a lease in time; what dies elsewhere would be missed for longer than the second. */
const SHORTEST_LEASE_MS = 100;
const LONGEST_LEASE_MS = 366 * 24 * 60 * 60_000;

/** How long a lease lasts. */
export const leaseTime = duration.refine(
  (text) => {
    const ms = parseDuration(text) ?? 0;
    return ms >= SHORTEST_LEASE_MS && ms <= LONGEST_LEASE_MS;
  },
  {
    error: `expected at least ${formatDuration(SHORTEST_LEASE_MS)} and at most ${formatDuration(LONGEST_LEASE_MS)}, such as "5m"`,
  },
);

export const lease = leaseTime
  .default("5m")
  .describe("how long it stays yours without a heartbeat; a dead process of --pid loses it at once");
/** Of whoever a task is given to. */
export const receiverLease = leaseTime
  .default("5m")
  .describe("how long it stays theirs without a heartbeat; a dead process of --pid loses it at once");
export const pid = z.coerce
  .number()
  .int()
  .min(1)
  .optional()
  .describe("process of this host that works on it: when it is dead, the claim is over at once");

export const reason = z.string().min(1).max(1_000).describe("why, for its thread and the feed");

const globList = (what: string) =>
  z
    .array(z.string())
    .default([])
    .describe(`paths that it ${what}, relative to the repository, with *, ** and ?; held while it runs`);
export const write = globList("writes");
export const read = globList("reads");
export const space = z
  .string()
  .max(200)
  .default("")
  .describe("which repository the paths of --write and --read are in");

export const types = z.array(z.string().min(1).max(200)).default([]).describe("only of these types (default: of any)");
export const tags = z.array(z.string().min(1)).default([]).describe("only what carries all of these tags");

/** Notes, questions and answers; characters. Larger things belong into a file, and its name into the note. */
export const LONGEST_NOTE = 4 * 1024 * 1024;
