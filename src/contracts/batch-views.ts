/** Batches as interfaces see them: decisions as recorded, outcomes joined from runs when read. */
import * as z from "zod";
import { type Batch, batchProgress, formatSelector, ITEM_STATES, type Item } from "../domain/batch.js";
import type { Placement } from "../domain/placement.js";
import { RUN_STATUSES, type Run } from "../domain/run.js";
import { maybeTime, time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";
import { errorCode } from "./run-views.js";

export const batchView = later(() =>
  z.object({
    id: z.string(),
    plan_hash: z.string(),
    staging: z.string(),
    created_by: z.string(),
    created_at: time,
    expected_count: z.number().int(),
    source: z.string(),
    cancel_requested_at: maybeTime,
  }),
);
export type BatchView = z.infer<ReturnType<typeof batchView>>;

export const itemView = later(() =>
  z.object({
    name: z.string(),
    dir: z.string(),
    selector: z.string(),
    state: z.enum(ITEM_STATES),
    run_id: z.string().optional(),
    machine: z.string().optional(),
    error_code: errorCode.optional(),
    error_msg: z.string().optional(),
    run: z
      .object({
        status: z.enum(RUN_STATUSES),
        exit_code: z.number().int().nullable(),
        error_code: errorCode.nullable(),
        error_msg: z.string().nullable(),
        attempt: z.number().int(),
        started_at: maybeTime,
        ended_at: maybeTime,
        unreachable_since: maybeTime.describe("since when its machine has not answered; null while it does"),
        logs_path: z.string().nullable(),
        artifacts_path: z.string().nullable(),
      })
      .nullable()
      .describe("the outcome, joined from the run when read; null while there is none"),
  }),
);
export type ItemView = z.infer<ReturnType<typeof itemView>>;

export const progressView = later(() =>
  z.object({
    total: z.number().int(),
    queued: z.number().int(),
    skipped: z.number().int(),
    by_status: z.record(z.enum(RUN_STATUSES), z.number().int()),
    done: z.number().int(),
    finished: z.boolean(),
    succeeded: z.boolean(),
    eta_ms: z.number().int().nullable().describe("estimated time left in milliseconds; null without a history"),
  }),
);
export type ProgressView = z.infer<ReturnType<typeof progressView>>;

export const batchReport = later(() =>
  z.object({
    kind: z.literal("report"),
    batch: batchView(),
    progress: progressView(),
    items: z.array(itemView()),
    resumed: z.boolean().optional().describe("of a dispatch: the batch had been finished or begun before"),
  }),
);
export type BatchReport = z.infer<ReturnType<typeof batchReport>>;

export const placementReport = later(() =>
  z.object({
    kind: z.literal("placement"),
    plan_hash: z.string(),
    staging: z.string(),
    existing_batch_id: z.string().nullable().describe("the batch that a real dispatch would resume"),
    placements: z.array(
      z.object({
        name: z.string(),
        dir: z.string(),
        selector: z.string(),
        decision: z.enum(["dispatch", "wait", "skip", "decided"]),
        machine: z.string().nullable(),
        reason: z.string().nullable(),
      }),
    ),
  }),
);
export type PlacementReport = z.infer<ReturnType<typeof placementReport>>;

export function toBatchView(batch: Omit<Batch, "items">): BatchView {
  return {
    id: batch.id,
    plan_hash: batch.planHash,
    staging: batch.staging,
    created_by: batch.createdBy,
    created_at: toTime(batch.createdAt),
    expected_count: batch.expectedCount,
    source: batch.source,
    cancel_requested_at: toMaybeTime(batch.cancelRequestedAt),
  };
}

export function toItemView(item: Item, run: Run | undefined): ItemView {
  // A run whose machine could not be reached may have gone to another one.
  const machine = run?.machine ?? item.machine;
  return {
    name: item.name,
    dir: item.dir,
    selector: formatSelector(item.selector),
    state: item.state,
    ...(item.runId === null ? {} : { run_id: item.runId }),
    ...(machine === null ? {} : { machine }),
    ...(item.errorCode === null ? {} : { error_code: item.errorCode }),
    ...(item.errorMsg === null ? {} : { error_msg: item.errorMsg }),
    run: run === undefined ? null : toJoinedRun(run),
  };
}

const toJoinedRun = (run: Run): NonNullable<ItemView["run"]> => ({
  status: run.status,
  exit_code: run.exitCode,
  error_code: run.errorCode,
  error_msg: run.errorMsg,
  attempt: run.attempt,
  started_at: toMaybeTime(run.startedAt),
  ended_at: toMaybeTime(run.endedAt),
  unreachable_since: toMaybeTime(run.unreachableSince),
  logs_path: run.logsPath,
  artifacts_path: run.artifactsPath,
});

export function toBatchReport(batch: Batch, runs: ReadonlyMap<string, Run>, etaMs: number | null): BatchReport {
  const { byStatus, ...progress } = batchProgress(batch.items, runs);
  return {
    kind: "report",
    batch: toBatchView(batch),
    progress: { ...progress, by_status: { ...byStatus }, eta_ms: etaMs },
    items: batch.items.map((item) => toItemView(item, item.runId === null ? undefined : runs.get(item.runId))),
  };
}

export function toPlacementView(placement: Placement): PlacementReport["placements"][number] {
  const { item } = placement;
  return {
    name: item.name,
    dir: item.dir,
    selector: formatSelector(item.selector),
    decision: placement.decision,
    machine: placement.decision === "dispatch" ? placement.machine : null,
    reason: placement.decision === "dispatch" ? null : placement.reason,
  };
}
