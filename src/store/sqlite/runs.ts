import { runLeaseName } from "../../domain/lease.js";
import { isTerminal, type Run, waitsForSlot } from "../../domain/run.js";
import type { ArtifactReport, RunStore } from "../run-store.js";
import { appendEvent } from "./event-log.js";
import { artifactParams, finishRun, nextAttempt, noteContact, startRun } from "./guarded-writes.js";
import { createRun, placeRun, prepare } from "./run-placement.js";
import { readRun, runQueries } from "./run-queries.js";
import { runFromRow } from "./run-rows.js";
import type { Session } from "./session.js";

const RECORD_ARTIFACTS = `
  UPDATE runs SET artifact_state = $artifact_state, artifact_error = $artifact_error,
    artifacts_path = coalesce($artifacts_path, artifacts_path), logs_path = coalesce($logs_path, logs_path),
    log_bytes = coalesce($log_bytes, log_bytes)
  WHERE id = $id RETURNING *`;

const PIN = "UPDATE runs SET pinned = $pinned WHERE id = $id RETURNING *";

const END_CANCELLED = `
  UPDATE runs SET status = 'interrupted', slot = NULL, error_code = 'cancelled', error_msg = $error_msg,
    unreachable_since = NULL, ended_at = $ended_at
  WHERE id = $id AND status = 'pending'`;

const ARTIFACT_EVENT = { collected: "run.artifacts_collected", failed: "run.artifacts_failed" } as const;

function recordArtifacts(session: Session, id: string, report: ArtifactReport): Run | null {
  const row = session.sql(RECORD_ARTIFACTS).get({ id, ...artifactParams(report) });
  if (row === undefined) return null;
  const run = runFromRow(row);
  if (report.state === "collected" || report.state === "failed") {
    const data = { artifacts_path: run.artifactsPath, error: report.error };
    appendEvent(session, { type: ARTIFACT_EVENT[report.state], subject: id, batchId: run.batchId, data });
  }
  return run;
}

function requestCancel(session: Session, id: string, by: string): Run | null {
  const run = readRun(session, id);
  if (run === null || isTerminal(run.status)) return run;
  const now = session.now();
  if (run.cancelRequestedAt === null) {
    session.sql("UPDATE runs SET cancel_requested_at = $now WHERE id = $id").run({ id, now });
    appendEvent(session, { type: "run.cancel_requested", subject: id, batchId: run.batchId, data: { by } });
  }
  if (waitsForSlot(run)) endCancelled(session, run, by, now);
  return readRun(session, id);
}

function endCancelled(session: Session, run: Run, by: string, now: number): void {
  const errorMsg = `Cancelled by ${by} before it started.`;
  session.sql(END_CANCELLED).run({ id: run.id, error_msg: errorMsg, ended_at: now });
  const facts = { attempt: run.attempt, status: "interrupted", exit_code: null, signal: null };
  const data = { ...facts, error_code: "cancelled", error_msg: errorMsg };
  appendEvent(session, { type: "run.finished", subject: run.id, batchId: run.batchId, data });
}

/** See `RunStore.removeRun`; takes its events and its lease's row along. To be called inside a write. */
export function removeRun(session: Session, id: string): boolean {
  const run = readRun(session, id);
  if (run === null || (!isTerminal(run.status) && run.kind !== "external")) return false;
  session.sql("DELETE FROM events WHERE subject = $subject").run({ subject: id });
  session.sql("DELETE FROM events WHERE subject = $subject").run({ subject: runLeaseName(id) });
  session.sql("DELETE FROM leases WHERE name = $name").run({ name: runLeaseName(id) });
  session.sql("DELETE FROM variables WHERE scope = $scope").run({ scope: id });
  session.sql("DELETE FROM runs WHERE id = $id").run({ id });
  appendEvent(session, { type: "run.removed", subject: id, batchId: run.batchId, data: { status: run.status } });
  return true;
}

export function sqliteRuns(session: Session): RunStore {
  return {
    ...runQueries(session),
    prepareAtomic: (dispatch, make) => session.write(() => prepare(session, dispatch, make)),
    createRun: (machine, driver, make) => session.write(() => createRun(session, machine, driver, make)),
    placeRun: (id, slots, passOver = []) => session.write(() => placeRun(session, id, slots, passOver)),
    startRun: (guard, start, logsPath) => session.write(() => startRun(session, guard, start, logsPath)),
    nextAttempt: (guard, outcome) => session.write(() => nextAttempt(session, guard, outcome)),
    finishRun: (guard, outcome, artifacts) => session.write(() => finishRun(session, guard, outcome, artifacts)),
    recordArtifacts: (id, report) => session.write(() => recordArtifacts(session, id, report)),
    noteContact: (guard, since) => session.write(() => noteContact(session, guard, since)),
    requestCancel: (id, by) => session.write(() => requestCancel(session, id, by)),
    pinRun: (id, pinned) =>
      session.write(() => {
        const row = session.sql(PIN).get({ id, pinned: pinned ? 1 : 0 });
        return row === undefined ? null : runFromRow(row);
      }),
    removeRun: (id) => session.write(() => removeRun(session, id)),
  };
}
