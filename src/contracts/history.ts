/** Operations on what ran before. */
import * as z from "zod";
import { HISTORY_WINDOW, TRENDS } from "../domain/history.js";
import { RUN_STATUSES } from "../domain/run.js";
import { before, limit, maybeTime, moment, time } from "./fields.js";
import { later } from "./later.js";
import { operation } from "./operation.js";
import { runView } from "./run-views.js";

/** Runs of a ref are counted to here. */
export const MOST_COUNTED = 1_000;

const refHistory = later(() =>
  z.object({
    ref: z.string(),
    runs: z.number().int().describe(`how many match, counted to ${MOST_COUNTED}`),
    last_run_id: z.string(),
    last_status: z.enum(RUN_STATUSES),
    last_created_at: time,
    last_started_at: maybeTime,
    typical_ms: z.number().nullable().describe("median of durations_ms"),
    trend: z.enum(TRENDS).nullable().describe("the newest duration against the median of those before it"),
    durations_ms: z
      .array(z.number().int())
      .describe(
        `the newest ${HISTORY_WINDOW}, the oldest of them first; of completed runs, or of the statuses asked for`,
      ),
  }),
);
export type RefHistoryView = z.infer<ReturnType<typeof refHistory>>;

const pastRun = later(() =>
  z.object({
    run: runView(),
    duration_ms: z.number().int().nullable().describe("null while it has not started or not ended"),
    median_before_ms: z.number().nullable().describe(`of the ${HISTORY_WINDOW} completed runs of the ref before it`),
    trend: z.enum(TRENDS).nullable().describe("null unless it completed and enough ran before it"),
  }),
);
export type PastRunView = z.infer<ReturnType<typeof pastRun>>;

export const history = operation({
  name: "runs.history",
  command: "history",
  summary: "Compare runs over time: one line a ref, or the runs of one ref with their durations and trend",
  effect: "read",
  positional: ["ref"],
  input: () =>
    z.object({
      ref: z.string().min(1).optional().describe("the ref whose runs to show (default: one line for each ref)"),
      status: z.array(z.enum(RUN_STATUSES)).default([]).describe("only runs of these statuses"),
      label: z
        .array(z.string().regex(/^[^=]+=/, "expected key=value"))
        .default([])
        .describe("only runs that carry this label, key=value; of several, all"),
      source: z.string().optional().describe("only runs of this source (WAYBILL_SOURCE of whoever submitted them)"),
      since: moment.optional().describe('only runs submitted since: so long ago ("7d") or at a time ("2026-11-21")'),
      until: moment.optional().describe("only runs submitted before this"),
      limit,
      before,
      after: z.string().optional().describe("show refs that follow this one (the `next` of the page before)"),
    }),
  output: () =>
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("refs"), refs: z.array(refHistory()), next: z.string().nullable() }),
      z.object({
        kind: z.literal("runs"),
        summary: refHistory().nullable().describe("null when nothing matches"),
        runs: z.array(pastRun()),
        next: z.string().nullable(),
      }),
    ]),
  errors: ["run_not_found", "ambiguous_id", "invalid_input"],
  examples: [
    ["history", "every ref with its last status, typical duration and trend"],
    ["history unit --since 7d --status failed", "what went wrong with one of them"],
    ["history unit --label branch=main --limit 50", "only runs that carry a label"],
  ],
});
