/** Notes about machines in SQLite. */
import { type ErrorCode, WaybillError } from "../../domain/errors.js";
import { type Drain, describeDrain, type MachineNote } from "../../domain/machine-note.js";
import type { MachineContact, MachineStore } from "../machine-store.js";
import type { SqlRow } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { integerOrNull, text, textOrNull } from "./rows.js";
import type { Session } from "./session.js";

/** A contact that changes nothing is written at most this often. */
const FRESH_MS = 60_000;

export const GET_NOTE = "SELECT * FROM machines WHERE name = $name";

/** A place that was not noted before has no past. */
const NOTE_CONTACT = `
  INSERT INTO machines (name, target_hash, last_contact_at) VALUES ($name, $target_hash, $now)
  ON CONFLICT (name) DO UPDATE SET
    target_hash = excluded.target_hash, last_contact_at = excluded.last_contact_at,
    last_failure_at = CASE WHEN target_hash = excluded.target_hash THEN last_failure_at END, last_error_code = NULL`;
const NOTE_FAILURE = `
  INSERT INTO machines (name, target_hash, last_failure_at, last_error_code)
  VALUES ($name, $target_hash, $now, $error_code)
  ON CONFLICT (name) DO UPDATE SET
    last_contact_at = CASE WHEN target_hash = excluded.target_hash THEN last_contact_at END,
    target_hash = excluded.target_hash, last_failure_at = excluded.last_failure_at,
    last_error_code = excluded.last_error_code`;
const DRAIN = `
  INSERT INTO machines (name, drained_at, drained_by, drain_reason) VALUES ($name, $now, $by, $reason)
  ON CONFLICT (name) DO UPDATE SET
    drained_at = coalesce(drained_at, excluded.drained_at), drained_by = coalesce(drained_by, excluded.drained_by),
    drain_reason = coalesce(excluded.drain_reason, drain_reason)
  RETURNING *`;
const UNDRAIN = `
  UPDATE machines SET drained_at = NULL, drained_by = NULL, drain_reason = NULL
  WHERE name = $name AND drained_at IS NOT NULL RETURNING name`;

const drainFromRow = (row: SqlRow): Drain | null => {
  const at = integerOrNull(row, "drained_at");
  return at === null ? null : { at, by: text(row, "drained_by"), reason: textOrNull(row, "drain_reason") };
};

const fromRow = (row: SqlRow): MachineNote => ({
  name: text(row, "name"),
  targetHash: textOrNull(row, "target_hash"),
  lastContactAt: integerOrNull(row, "last_contact_at"),
  lastFailureAt: integerOrNull(row, "last_failure_at"),
  lastErrorCode: row.last_error_code as ErrorCode | null,
  drain: drainFromRow(row),
});

function get(session: Session, name: string): MachineNote | null {
  const row = session.sql(GET_NOTE).get({ name });
  return row === undefined ? null : fromRow(row);
}

/** Why the machine takes no new work; null when it does. Asked inside the writes that would give it some. */
export const drainOf = (session: Session, name: string): Drain | null => get(session, name)?.drain ?? null;

export const drained = (machine: string, drain: Drain): WaybillError =>
  new WaybillError("machine_drained", `${machine} takes no new work: it is ${describeDrain(drain)}.`, {
    hint: `Add --queue to wait, name another machine, or let it work again: waybill machines undrain ${machine}.`,
    details: { machine, by: drain.by, reason: drain.reason, since: new Date(drain.at).toISOString() },
  });

/** Whether the note says already what is to be noted, and lately. */
function isFresh(session: Session, contact: MachineContact, errorCode: ErrorCode | null): boolean {
  const note = get(session, contact.name);
  if (note === null || note.targetHash !== contact.targetHash || note.lastErrorCode !== errorCode) return false;
  const at = errorCode === null ? note.lastContactAt : note.lastFailureAt;
  return at !== null && session.now() - at < FRESH_MS;
}

/** An error code, or null for an answer. */
async function note(session: Session, contact: MachineContact, errorCode: ErrorCode | null): Promise<void> {
  if (await session.read(() => isFresh(session, contact, errorCode))) return;
  await session.write(() => {
    const { name, targetHash } = contact;
    const before = get(session, name);
    const params = { name, target_hash: targetHash, now: session.now() };
    if (errorCode === null) session.sql(NOTE_CONTACT).run(params);
    else session.sql(NOTE_FAILURE).run({ ...params, error_code: errorCode });
    const known = before !== null && before.targetHash === targetHash ? before : null;
    const answeredBefore = known !== null && known.lastErrorCode === null;
    if (errorCode === null ? answeredBefore : known?.lastErrorCode === errorCode) return;
    const type = errorCode === null ? "machine.reachable" : "machine.unreachable";
    appendEvent(session, { type, subject: name, data: errorCode === null ? {} : { error_code: errorCode } });
  });
}

function drain(session: Session, name: string, { by, reason }: Pick<Drain, "by" | "reason">): Drain {
  const before = drainOf(session, name);
  const now = session.now();
  const row = session.sql(DRAIN).get({ name, now, by, reason }) as SqlRow;
  const after = drainFromRow(row) ?? { at: now, by, reason };
  if (before?.reason !== after.reason || before === null) {
    appendEvent(session, { type: "machine.drained", subject: name, data: { by, reason: after.reason } });
  }
  return after;
}

function undrain(session: Session, name: string, by: string): boolean {
  if (session.sql(UNDRAIN).get({ name }) === undefined) return false;
  appendEvent(session, { type: "machine.undrained", subject: name, data: { by } });
  return true;
}

export function sqliteMachines(session: Session): MachineStore {
  return {
    noteMachineContact: (contact) => note(session, contact, null),
    noteMachineFailure: (contact, errorCode) => note(session, contact, errorCode),
    drainMachine: (name, wish) => session.write(() => drain(session, name, wish)),
    undrainMachine: (name, by) => session.write(() => undrain(session, name, by)),
    listMachineNotes: () =>
      session.read(() => session.sql("SELECT * FROM machines ORDER BY name").all({}).map(fromRow)),
  };
}
