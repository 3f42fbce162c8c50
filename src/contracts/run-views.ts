/** Runs as interfaces see them. Values of variables are absent by type: a view has their names only. */
import * as z from "zod";
import { formatSelector } from "../domain/batch.js";
import { formatContactPolicy, RETURN_CHOICES } from "../domain/contact-policy.js";
import { ERROR_CODES, type ErrorCode } from "../domain/errors.js";
import { ARTIFACT_STATES, type Provenance, RUN_KINDS, RUN_STATUSES, type Run } from "../domain/run.js";
import { maybeTime, time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";

export const errorCode = z.enum(ERROR_CODES as [ErrorCode, ...ErrorCode[]]);

export const runView = later(() =>
  z.object({
    id: z.string(),
    machine: z.string(),
    test_dir: z.string(),
    test_dir_hash: z.string(),
    status: z.enum(RUN_STATUSES),
    exit_code: z.number().int().nullable(),
    started_at: maybeTime,
    ended_at: maybeTime,
    artifacts_path: z.string().nullable(),
    logs_path: z.string().nullable(),
    error_code: errorCode.nullable(),
    error_msg: z.string().nullable(),
    batch_id: z.string().optional(),
    plan_entry: z.string().optional(),
    kind: z.enum(RUN_KINDS),
    ref: z.string(),
    pid: z.number().int().nullable(),
    detached: z.boolean(),
    attempt: z.number().int(),
    created_at: time,
    created_by: z.string(),
    timeout_ms: z.number().int().nullable(),
    signal: z.number().int().nullable(),
    unreachable_since: maybeTime,
    cancel_requested_at: maybeTime,
    artifact_state: z.enum(ARTIFACT_STATES),
    artifact_error: z.string().nullable(),
    parent_run_id: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    source: z.string().optional().describe("what had it executed, as WAYBILL_SOURCE said"),
    client: z.string().optional().describe("who of that source, as WAYBILL_CLIENT said"),
    log_bytes: z.number().int().nullable().describe("size of its log; null while it has not been fetched"),
    pinned: z.boolean().describe("kept whatever the retention says"),
    session: z.string().optional().describe("in which session, as WAYBILL_SESSION said"),
  }),
);
export type RunView = z.infer<ReturnType<typeof runView>>;

export const runDetailView = later(() =>
  runView().extend({
    entrypoint: z.string(),
    args: z.array(z.string()),
    env_names: z.array(z.string()).describe("names of the variables given to the program; values are not shown"),
    silence_timeout_ms: z.number().int().nullable(),
    grace_ms: z.number().int(),
    retries: z.number().int(),
    selector: z.string().describe("what was asked for: machine:NAME or tag:TAG"),
    on_unreachable: z.string(),
    on_return: z.enum(RETURN_CHOICES),
    transport: z.string(),
    slot: z.number().int().nullable(),
    fence: z.number().int(),
    evidence: z.record(z.string(), z.unknown()).nullable().describe("the machine's own record, as it was read"),
  }),
);
export type RunDetailView = z.infer<ReturnType<typeof runDetailView>>;

/** What is not known is left out. */
function toProvenanceView({ source, client, session }: Provenance): Pick<RunView, "source" | "client" | "session"> {
  return {
    ...(source === null ? {} : { source }),
    ...(client === null ? {} : { client }),
    ...(session === null ? {} : { session }),
  };
}

export function toRunView(run: Run): RunView {
  return {
    id: run.id,
    machine: run.machine,
    test_dir: run.testDir,
    test_dir_hash: run.testDirHash,
    status: run.status,
    exit_code: run.exitCode,
    started_at: toMaybeTime(run.startedAt),
    ended_at: toMaybeTime(run.endedAt),
    artifacts_path: run.artifactsPath,
    logs_path: run.logsPath,
    error_code: run.errorCode,
    error_msg: run.errorMsg,
    ...(run.batchId === null ? {} : { batch_id: run.batchId }),
    ...(run.planEntry === null ? {} : { plan_entry: run.planEntry }),
    kind: run.kind,
    ref: run.ref,
    pid: run.pid,
    detached: run.detached,
    attempt: run.attempt,
    created_at: toTime(run.createdAt),
    created_by: run.createdBy,
    timeout_ms: run.request.timeoutMs,
    signal: run.signal,
    unreachable_since: toMaybeTime(run.unreachableSince),
    cancel_requested_at: toMaybeTime(run.cancelRequestedAt),
    artifact_state: run.artifactState,
    artifact_error: run.artifactError,
    ...(run.parentRunId === null ? {} : { parent_run_id: run.parentRunId }),
    ...(Object.keys(run.labels).length === 0 ? {} : { labels: { ...run.labels } }),
    ...toProvenanceView(run.provenance),
    log_bytes: run.logBytes,
    pinned: run.pinned,
  };
}

export function toRunDetailView(run: Run): RunDetailView {
  const { request } = run;
  return {
    ...toRunView(run),
    entrypoint: request.entrypoint,
    args: [...request.args],
    env_names: Object.keys(request.env).sort(),
    silence_timeout_ms: request.silenceMs,
    grace_ms: request.graceMs,
    retries: request.retries,
    selector: formatSelector(request.selector),
    on_unreachable: formatContactPolicy(request.onUnreachable),
    on_return: request.onUnreachable.onReturn,
    transport: request.target.transport,
    slot: run.slot,
    fence: run.fence,
    evidence: run.evidence === null ? null : { ...run.evidence },
  };
}
