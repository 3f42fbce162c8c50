/** The shape of a run in its table, and the way to the domain's record and back. */
import { WAIT_FOR_CONTACT } from "../../domain/contact-policy.js";
import type { ErrorCode } from "../../domain/errors.js";
import { fromStored, type StoredMachineSpec } from "../../domain/machine.js";
import type { ArtifactState, Run, RunKind, RunRequest, RunStatus } from "../../domain/run.js";
import type { SqlParams, SqlRow } from "./driver.js";

/** A row as the CHECKs of the schema guarantee it. */
interface RunRow {
  readonly id: string;
  readonly kind: RunKind;
  readonly ref: string;
  readonly machine: string;
  readonly test_dir: string;
  readonly test_dir_hash: string;
  readonly work_hash: string;
  readonly request: string;
  readonly created_by: string;
  readonly detached: 0 | 1;
  readonly batch_id: string | null;
  readonly plan_entry: string | null;
  readonly parent_run_id: string | null;
  readonly labels: string;
  readonly status: RunStatus;
  readonly slot: number | null;
  readonly attempt: number;
  readonly fence: number;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly exit_code: number | null;
  readonly signal: number | null;
  readonly error_code: ErrorCode | null;
  readonly error_msg: string | null;
  readonly pid: number | null;
  readonly unreachable_since: number | null;
  readonly cancel_requested_at: number | null;
  readonly artifact_state: ArtifactState;
  readonly artifact_error: string | null;
  readonly artifacts_path: string | null;
  readonly logs_path: string | null;
  readonly evidence: string | null;
  readonly source: string | null;
  readonly client: string | null;
  readonly session: string | null;
  readonly pinned: 0 | 1;
  readonly log_bytes: number | null;
  readonly start_asked_at: number | null;
}

export function runFromRow(raw: SqlRow): Run {
  const row = raw as unknown as RunRow;
  return {
    id: row.id,
    kind: row.kind,
    ref: row.ref,
    machine: row.machine,
    testDir: row.test_dir,
    testDirHash: row.test_dir_hash,
    workHash: row.work_hash,
    request: requestFromRow(row.request),
    createdBy: row.created_by,
    detached: row.detached === 1,
    batchId: row.batch_id,
    planEntry: row.plan_entry,
    parentRunId: row.parent_run_id,
    labels: JSON.parse(row.labels) as Run["labels"],
    provenance: { source: row.source, client: row.client, session: row.session },
    status: row.status,
    slot: row.slot,
    attempt: row.attempt,
    fence: row.fence,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    exitCode: row.exit_code,
    signal: row.signal,
    errorCode: row.error_code,
    errorMsg: row.error_msg,
    pid: row.pid,
    unreachableSince: row.unreachable_since,
    startAskedAt: row.start_asked_at,
    cancelRequestedAt: row.cancel_requested_at,
    artifactState: row.artifact_state,
    artifactError: row.artifact_error,
    artifactsPath: row.artifacts_path,
    logsPath: row.logs_path,
    logBytes: row.log_bytes,
    pinned: row.pinned === 1,
    evidence: row.evidence === null ? null : (JSON.parse(row.evidence) as Run["evidence"]),
  };
}

/** A request as an older version wrote it: what was added since has its default. */
type StoredRequest = Omit<RunRequest, "target" | Added> &
  Partial<Pick<RunRequest, Added>> & { readonly target: StoredMachineSpec };
type Added = "selector" | "onUnreachable";

function requestFromRow(stored: string): RunRequest {
  const request = JSON.parse(stored) as StoredRequest;
  const target = fromStored(request.target);
  return { selector: { machine: target.name }, onUnreachable: WAIT_FOR_CONTACT, ...request, target };
}

export function runToRow(run: Run): SqlParams {
  const row: RunRow = {
    id: run.id,
    kind: run.kind,
    ref: run.ref,
    machine: run.machine,
    test_dir: run.testDir,
    test_dir_hash: run.testDirHash,
    work_hash: run.workHash,
    request: JSON.stringify(run.request),
    created_by: run.createdBy,
    detached: run.detached ? 1 : 0,
    batch_id: run.batchId,
    plan_entry: run.planEntry,
    parent_run_id: run.parentRunId,
    labels: JSON.stringify(run.labels),
    ...run.provenance,
    status: run.status,
    slot: run.slot,
    attempt: run.attempt,
    fence: run.fence,
    created_at: run.createdAt,
    started_at: run.startedAt,
    ended_at: run.endedAt,
    exit_code: run.exitCode,
    signal: run.signal,
    error_code: run.errorCode,
    error_msg: run.errorMsg,
    pid: run.pid,
    unreachable_since: run.unreachableSince,
    start_asked_at: run.startAskedAt,
    cancel_requested_at: run.cancelRequestedAt,
    artifact_state: run.artifactState,
    artifact_error: run.artifactError,
    artifacts_path: run.artifactsPath,
    logs_path: run.logsPath,
    log_bytes: run.logBytes,
    pinned: run.pinned ? 1 : 0,
    evidence: run.evidence === null ? null : JSON.stringify(run.evidence),
  };
  return row as unknown as SqlParams;
}
