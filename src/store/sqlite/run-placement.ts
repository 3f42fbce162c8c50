/** Deciding that a run exists and which slot it holds. All of it happens inside one write, whoever else is asking. */
import { runLeaseName } from "../../domain/lease.js";
import { type NewRun, type Run, waitsForSlot } from "../../domain/run.js";
import type { CreatedRun, Dispatch, Driver, Prepared, SlotlessRun } from "../run-store.js";
import { nextOf } from "./counters.js";
import { appendEvent } from "./event-log.js";
import { takeLease } from "./leases.js";
import { drained, drainOf } from "./machines.js";
import { integer } from "./rows.js";
import { ACTIVE, holdersOf, readRun } from "./run-queries.js";
import { runFromRow, runToRow } from "./run-rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

export const SAME_WORK = `SELECT * FROM runs WHERE machine = $machine AND work_hash = $work_hash AND ${ACTIVE}`;
export const OLDEST_WAITING = `
  SELECT * FROM runs WHERE machine = $machine AND status = 'pending' AND slot IS NULL AND kind = 'directory'
  ORDER BY id ${LIMIT}`;
export const SLOTS_HELD = "SELECT slot FROM runs WHERE machine = $machine AND slot IS NOT NULL ORDER BY slot";

function oldestWaiting(session: Session, machine: string, passOver: readonly string[] = []): Run | null {
  const rows = session.sql(OLDEST_WAITING).all({ machine, limit: passOver.length + 1 });
  return rows.map(runFromRow).find((run) => !passOver.includes(run.id)) ?? null;
}

/** @returns the lowest free slot; null when as many runs hold one as the machine takes, in whatever slots. */
export function freeSlot(session: Session, machine: string, slots: number): number | null {
  const held = session
    .sql(SLOTS_HELD)
    .all({ machine })
    .map((row) => integer(row, "slot"));
  if (held.length >= slots) return null;
  const gap = held.findIndex((slot, at) => slot !== at + 1);
  return gap < 0 ? held.length + 1 : gap + 1;
}

/** See `RunStore.prepareAtomic`. To be called inside a write. */
export function prepare(session: Session, dispatch: Dispatch, make: () => NewRun): Prepared {
  const { machine, workHash, slots, queue } = dispatch;
  const same = session.sql(SAME_WORK).get({ machine, work_hash: workHash });
  if (same !== undefined) return { outcome: "reuse", run: runFromRow(same) };
  const drain = drainOf(session, machine);
  if (drain !== null && !queue) throw drained(machine, drain);
  // A run that waits goes first: a newcomer must not take the slot that was freed for it.
  const waiting = oldestWaiting(session, machine);
  const slot = waiting === null && drain === null ? freeSlot(session, machine, slots) : null;
  const holder = slot === null ? (holdersOf(session, machine)[0] ?? waiting) : null;
  if (holder !== null && !queue) return { outcome: "busy", run: holder };
  return { outcome: "created", run: insertRun(session, dispatch, slot, make()) };
}

/** See `RunStore.createRun`. To be called inside a write. */
export function createRun(session: Session, machine: string, driver: Driver, make: () => SlotlessRun): CreatedRun {
  const made = make();
  const run = insertRun(session, { machine, workHash: made.id }, null, made);
  const { lease } = takeLease(session, { ...driver, name: runLeaseName(run.id) });
  return { run, lease };
}

function insertRun(
  session: Session,
  dispatch: Pick<Dispatch, "machine" | "workHash">,
  slot: number | null,
  made: NewRun,
): Run {
  const run: Run = {
    id: made.id,
    kind: made.kind,
    ref: made.ref,
    testDir: made.testDir,
    testDirHash: made.testDirHash,
    request: made.request,
    createdBy: made.createdBy,
    detached: made.detached,
    batchId: made.batchId,
    planEntry: made.planEntry,
    parentRunId: made.parentRunId,
    labels: made.labels,
    provenance: made.provenance,
    machine: dispatch.machine,
    workHash: dispatch.workHash,
    status: "pending",
    slot,
    attempt: 1,
    fence: nextOf(session, "fence"),
    createdAt: session.now(),
    startedAt: null,
    endedAt: null,
    exitCode: null,
    signal: null,
    errorCode: null,
    errorMsg: null,
    pid: null,
    unreachableSince: null,
    startAskedAt: null,
    cancelRequestedAt: null,
    artifactState: "none",
    artifactError: null,
    artifactsPath: null,
    logsPath: null,
    logBytes: null,
    pinned: false,
    evidence: null,
  };
  insertRow(session, run);
  const data = { machine: run.machine, ref: run.ref, slot, created_by: run.createdBy };
  appendEvent(session, { type: "run.created", subject: run.id, batchId: run.batchId, data });
  return run;
}

/** Writes a new run's row and what is looked up by its labels. */
export function insertRow(session: Session, run: Run): void {
  const row = runToRow(run);
  session.sql(insertSql(Object.keys(row))).run(row);
  session.sql(INSERT_LABELS).run({ id: run.id, labels: JSON.stringify(run.labels) });
}

const INSERT_LABELS = `
  INSERT INTO run_labels (run_id, key, value) SELECT $id, key, value FROM json_each($labels)`;

const insertSql = (columns: readonly string[]): string =>
  `INSERT INTO runs (${columns.join(", ")}) VALUES (${columns.map((c) => `$${c}`).join(", ")})`;

/** See `RunStore.placeRun`. To be called inside a write. */
export function placeRun(session: Session, id: string, slots: number, passOver: readonly string[]): Run | null {
  const run = readRun(session, id);
  if (run === null || run.status !== "pending") return null;
  if (!waitsForSlot(run)) return run.slot === null ? null : run;
  if (drainOf(session, run.machine) !== null || oldestWaiting(session, run.machine, passOver)?.id !== id) return null;
  const slot = freeSlot(session, run.machine, slots);
  if (slot === null) return null;
  session.sql("UPDATE runs SET slot = $slot WHERE id = $id").run({ id, slot });
  appendEvent(session, { type: "run.placed", subject: id, batchId: run.batchId, data: { machine: run.machine, slot } });
  return { ...run, slot };
}
