/**
 * Writes about an attempt. Each is one compare-and-set on (run, attempt, statuses, fence of the driver's lease), so that
 * a driver which was superseded while it slept changes nothing, and its try is counted and shown.
 */
import { runLeaseName } from "../../domain/lease.js";
import type { StartRecord } from "../../domain/machine.js";
import { ACTIVE_STATUSES, isTerminal, type Run, type RunOutcome, type RunStatus, sourcesOf } from "../../domain/run.js";
import type { ArtifactReport, GuardedWrite, RunGuard } from "../run-store.js";
import { nextOf } from "./counters.js";
import type { SqlParams } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { readLease, vacateLease } from "./leases.js";
import { readRun } from "./run-queries.js";
import { runFromRow } from "./run-rows.js";
import type { Session } from "./session.js";
import { sqlList } from "./statements.js";
import { removeScopesOf } from "./variables.js";

export interface Guarded {
  /** Names the write in `write.refused`. */
  readonly name: string;
  readonly set: string;
  readonly from: readonly RunStatus[];
  readonly params: SqlParams;
  /** A further condition, when the statuses do not say it all. */
  readonly and?: string;
}

export const guardedSql = ({ set, from, and }: Pick<Guarded, "set" | "from" | "and">): string => `
  UPDATE runs SET ${set}
  WHERE id = $id AND attempt = $attempt AND status IN (${sqlList(from)})${and === undefined ? "" : ` AND ${and}`}
    AND EXISTS (SELECT 1 FROM leases WHERE name = $lease AND fence = $lease_fence AND holder_host IS NOT NULL)
  RETURNING *`;

export function compareAndSet(session: Session, guard: RunGuard, write: Guarded): GuardedWrite {
  const { runId, attempt, leaseFence } = guard;
  const keys = { id: runId, attempt, lease: runLeaseName(runId), lease_fence: leaseFence };
  const row = session.sql(guardedSql(write)).get({ ...write.params, ...keys });
  return row === undefined ? refuse(session, guard, write.name) : { written: true, run: runFromRow(row) };
}

function refuse(session: Session, guard: RunGuard, name: string): GuardedWrite {
  const run = readRun(session, guard.runId);
  const lease = readLease(session, runLeaseName(guard.runId));
  const current = run?.attempt === guard.attempt && lease?.fence === guard.leaseFence;
  const refusal = run === null ? "not_found" : current ? "wrong_state" : "stale_fence";
  nextOf(session, "stale_writes");
  const presented = { attempt: guard.attempt, lease_fence: guard.leaseFence };
  const found = { found_attempt: run?.attempt ?? null, found_lease_fence: lease?.fence ?? null };
  const data = { write: name, refusal, ...presented, ...found, status: run?.status ?? null };
  appendEvent(session, { type: "write.refused", subject: guard.runId, batchId: run?.batchId ?? null, data });
  return { written: false, refusal, run };
}

/** See `RunStore.startRun`. A directory's run must hold a slot: two of them on one slot would disturb each other. */
export function startRun(session: Session, guard: RunGuard, start: StartRecord, logsPath: string | null): GuardedWrite {
  const answer = compareAndSet(session, guard, {
    name: "start",
    set: `status = 'running', started_at = coalesce(started_at, $started_at), pid = $pid, unreachable_since = NULL,
      evidence = $evidence, logs_path = coalesce($logs_path, logs_path)`,
    from: ACTIVE_STATUSES,
    and: "(kind <> 'directory' OR slot IS NOT NULL)",
    params: { started_at: start.started, pid: start.pid, evidence: JSON.stringify({ start }), logs_path: logsPath },
  });
  if (answer.written) {
    const data = { attempt: guard.attempt, pid: start.pid, machine: answer.run.machine };
    appendEvent(session, { type: "run.started", subject: guard.runId, batchId: answer.run.batchId, data });
  }
  return answer;
}

const factsOf = (guard: RunGuard, outcome: RunOutcome): Record<string, unknown> => ({
  attempt: guard.attempt,
  status: outcome.status,
  exit_code: outcome.exitCode,
  signal: outcome.signal,
  error_code: outcome.errorCode,
  error_msg: outcome.errorMsg,
});

/** See `RunStore.nextAttempt`. The evidence kept is that of the attempt that ended: on it rests that another follows. */
export function nextAttempt(session: Session, guard: RunGuard, outcome: RunOutcome): GuardedWrite {
  const answer = compareAndSet(session, guard, {
    name: "next_attempt",
    set: `attempt = attempt + 1, fence = (SELECT value + 1 FROM counters WHERE name = 'fence'), pid = NULL,
      unreachable_since = NULL, start_asked_at = NULL, evidence = $evidence`,
    from: sourcesOf(outcome.status),
    params: { evidence: JSON.stringify(outcome.evidence) },
  });
  if (answer.written) {
    nextOf(session, "fence");
    const data = factsOf(guard, outcome);
    appendEvent(session, { type: "run.attempt_ended", subject: guard.runId, batchId: answer.run.batchId, data });
  }
  return answer;
}

/** See `RunStore.finishRun`. */
export function finishRun(
  session: Session,
  guard: RunGuard,
  outcome: RunOutcome,
  artifacts: ArtifactReport,
): GuardedWrite {
  const answer = compareAndSet(session, guard, {
    name: "finish",
    set: `status = $status, slot = NULL, exit_code = $exit_code, signal = $signal, error_code = $error_code,
      error_msg = $error_msg, started_at = coalesce(started_at, $started_at), ended_at = $ended_at,
      unreachable_since = NULL, evidence = $evidence, artifact_state = $artifact_state,
      artifact_error = $artifact_error, artifacts_path = coalesce($artifacts_path, artifacts_path),
      logs_path = coalesce($logs_path, logs_path), log_bytes = coalesce($log_bytes, log_bytes)`,
    from: sourcesOf(outcome.status),
    params: {
      status: outcome.status,
      exit_code: outcome.exitCode,
      signal: outcome.signal,
      error_code: outcome.errorCode,
      error_msg: outcome.errorMsg,
      started_at: outcome.startedAt,
      ended_at: outcome.endedAt,
      evidence: JSON.stringify(outcome.evidence),
      ...artifactParams(artifacts),
    },
  });
  if (answer.written) {
    forgetVariables(session, answer.run);
    vacateLease(session, runLeaseName(guard.runId), guard.leaseFence);
    const data = factsOf(guard, outcome);
    appendEvent(session, { type: "run.finished", subject: guard.runId, batchId: answer.run.batchId, data });
  }
  return answer;
}

/** Wire names of a report, as `$name` in the statements that store one. */
export const artifactParams = (report: ArtifactReport): SqlParams => ({
  artifact_state: report.state,
  artifact_error: report.error,
  artifacts_path: report.artifactsPath,
  logs_path: report.logsPath,
  log_bytes: report.logBytes,
});

/** See `RunStore.noteContact`. The time at which contact was lost is kept until it is back; only changes are events. */
export function noteContact(session: Session, guard: RunGuard, unreachableSince: number | null): GuardedWrite {
  const before = readRun(session, guard.runId);
  const answer = compareAndSet(session, guard, {
    name: "contact",
    set: "unreachable_since = CASE WHEN $since IS NULL THEN NULL ELSE coalesce(unreachable_since, $since) END",
    from: ACTIVE_STATUSES,
    params: { since: unreachableSince },
  });
  if (answer.written && before !== null && (before.unreachableSince === null) !== (unreachableSince === null)) {
    const type = unreachableSince === null ? "run.reachable" : "run.unreachable";
    const data = { machine: answer.run.machine, since: unreachableSince ?? before.unreachableSince };
    appendEvent(session, { type, subject: guard.runId, batchId: answer.run.batchId, data });
  }
  return answer;
}

/** Variables live as long as the run at the top of their chain; a child that outlives its parent is a top itself. */
function forgetVariables(session: Session, run: Run): void {
  const parent = run.parentRunId === null ? null : readRun(session, run.parentRunId);
  const isTop = parent === null || isTerminal(parent.status);
  if (isTop && !run.request.keepVariables) removeScopesOf(session, run.id);
}
