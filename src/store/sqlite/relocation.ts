/** Runs that go to another machine, and the attempts that they leave behind. */
import { fromStored, type StoredMachineSpec } from "../../domain/machine.js";
import { ACTIVE_STATUSES, type RunOutcome } from "../../domain/run.js";
import type { StrayAttempt } from "../../domain/stray-attempt.js";
import type { Move, MoveAnswer, RelocationStore } from "../relocation-store.js";
import type { GuardedWrite, RunGuard } from "../run-store.js";
import { nextOf } from "./counters.js";
import type { SqlRow } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { compareAndSet } from "./guarded-writes.js";
import { drainOf } from "./machines.js";
import { integer, text, textOrNull } from "./rows.js";
import { freeSlot, SAME_WORK } from "./run-placement.js";
import { readRun } from "./run-queries.js";
import type { Session } from "./session.js";

const STRAYS = "SELECT * FROM stray_attempts ORDER BY run_id, attempt";
export const STRAYS_OF = "SELECT * FROM stray_attempts WHERE run_id = $run_id ORDER BY attempt";

const INSERT_STRAY = `
  INSERT INTO stray_attempts (run_id, attempt, target, left_at) VALUES ($run_id, $attempt, $target, $left_at)`;

const NOTE_RETURN = `
  UPDATE stray_attempts SET outcome = $outcome WHERE run_id = $run_id AND attempt = $attempt AND outcome IS NULL`;

function strayFromRow(row: SqlRow): StrayAttempt {
  const outcome = textOrNull(row, "outcome");
  return {
    runId: text(row, "run_id"),
    attempt: integer(row, "attempt"),
    target: fromStored(JSON.parse(text(row, "target")) as StoredMachineSpec),
    leftAt: integer(row, "left_at"),
    outcome: outcome === null ? null : (JSON.parse(outcome) as RunOutcome),
  };
}

function noteStartAsked(session: Session, guard: RunGuard): GuardedWrite {
  return compareAndSet(session, guard, {
    name: "start_asked",
    set: "start_asked_at = coalesce(start_asked_at, $now)",
    from: ACTIVE_STATUSES,
    params: { now: session.now() },
  });
}

/** @returns the slot that the run may take there, null when it may not go there now. */
function slotOn(session: Session, { target, workHash }: Move): number | null {
  if (drainOf(session, target.name) !== null) return null;
  if (session.sql(SAME_WORK).get({ machine: target.name, work_hash: workHash }) !== undefined) return null;
  return freeSlot(session, target.name, target.slots);
}

function moveRun(session: Session, guard: RunGuard, move: Move): MoveAnswer {
  const before = readRun(session, guard.runId);
  const slot = slotOn(session, move);
  if (before !== null && slot === null) return { written: false, refusal: "no_slot" };
  const leavesStray = before !== null && before.startAskedAt !== null;
  const request = before === null ? null : { ...before.request, target: move.target };
  const answer = compareAndSet(session, guard, {
    name: "move",
    set: `machine = $machine, request = $request, work_hash = $work_hash, slot = $slot, attempt = attempt + $step,
      fence = (SELECT value + 1 FROM counters WHERE name = 'fence'), pid = NULL, unreachable_since = NULL,
      start_asked_at = NULL`,
    from: ACTIVE_STATUSES,
    params: {
      machine: move.target.name,
      request: JSON.stringify(request),
      work_hash: move.workHash,
      slot,
      step: leavesStray ? 1 : 0,
    },
  });
  if (!answer.written || before === null) return answer;
  nextOf(session, "fence");
  if (leavesStray) {
    const target = JSON.stringify(before.request.target);
    const stray = { run_id: before.id, attempt: before.attempt, target, left_at: session.now() };
    session.sql(INSERT_STRAY).run(stray);
  }
  const data = { from: before.machine, to: move.target.name, attempt: answer.run.attempt, reason: move.reason };
  appendEvent(session, { type: "run.moved", subject: before.id, batchId: before.batchId, data });
  return answer;
}

function noteReturn(session: Session, runId: string, attempt: number, outcome: RunOutcome): boolean {
  const changes = session.sql(NOTE_RETURN).run({ run_id: runId, attempt, outcome: JSON.stringify(outcome) });
  if (changes === 0) return false;
  const batchId = readRun(session, runId)?.batchId ?? null;
  const data = { attempt, status: outcome.status, exit_code: outcome.exitCode };
  appendEvent(session, { type: "run.original_returned", subject: runId, batchId, data });
  return true;
}

export function sqliteRelocation(session: Session): RelocationStore {
  return {
    noteStartAsked: (guard) => session.write(() => noteStartAsked(session, guard)),
    moveRun: (guard, move) => session.write(() => moveRun(session, guard, move)),
    listStrays: async () => session.sql(STRAYS).all({}).map(strayFromRow),
    straysOf: async (runId) => session.sql(STRAYS_OF).all({ run_id: runId }).map(strayFromRow),
    noteReturn: (runId, attempt, outcome) => session.write(() => noteReturn(session, runId, attempt, outcome)),
    settleStray: (runId, attempt) =>
      session.write(() => {
        session
          .sql("DELETE FROM stray_attempts WHERE run_id = $run_id AND attempt = $attempt")
          .run({ run_id: runId, attempt });
      }),
  };
}
