/** Which ended runs go, and why: found in small steps, oldest first, each step by an index. */

import type { Removal, RemovalReason } from "../../domain/retention.js";
import { TERMINAL_STATUSES } from "../../domain/run.js";
import type { GcPolicy } from "../store.js";
import { LIST_REFS } from "./history.js";
import { integer, text } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT, sqlList } from "./statements.js";

const CHUNK = 500;

const ENDED = `status IN (${sqlList(TERMINAL_STATUSES)})`;
/** A retention leaves every ref its newest completed run, so that there is always something to compare to. */
const REMOVABLE = `pinned = 0 AND (NOT $keep_newest OR status <> 'completed' OR id <> (
  SELECT max(id) FROM runs AS newest WHERE newest.ref = runs.ref AND newest.status = 'completed'))`;

export const ENDED_RUNS = `
  SELECT id, ended_at FROM runs WHERE ended_at IS NOT NULL AND (ended_at, id) > ($after_end, $after_id)
    AND ended_at < $before AND ${REMOVABLE} ORDER BY ended_at, id ${LIMIT}`;
/** The newest run of a ref that is one too many. */
export const FIRST_TOO_MANY = "SELECT id FROM runs WHERE ref = $ref ORDER BY id DESC LIMIT 1 OFFSET $keep";
export const TOO_MANY = `
  SELECT id FROM runs WHERE ref = $ref AND id <= $first AND id > $after AND ${ENDED} AND ${REMOVABLE}
  ORDER BY id ${LIMIT}`;
export const LOG_BYTES = `
  SELECT coalesce(sum(log_bytes), 0) AS bytes FROM runs
  WHERE log_bytes IS NOT NULL AND id NOT IN (SELECT value FROM json_each($gone))`;
export const OLDEST_LOGS = `
  SELECT id, ended_at, log_bytes FROM runs
  WHERE log_bytes IS NOT NULL AND (ended_at, id) > ($after_end, $after_id) AND ${REMOVABLE}
  ORDER BY ended_at, id ${LIMIT}`;

type Step = readonly Removal[];
const because = (runId: string, reason: RemovalReason): Removal => ({ runId, reason });

/**
 * Yields chunks of runs to remove. Whoever takes a chunk may remove it before asking for the next.
 *
 * @param gone what was taken so far, removed or not: it counts as removed
 */
export async function* doomedRuns(
  session: Session,
  policy: GcPolicy,
  gone: ReadonlyMap<string, RemovalReason>,
): AsyncGenerator<Step, void> {
  yield* tooOld(session, policy);
  const { retention } = policy;
  if (retention === undefined) return;
  if (retention.runsPerRef !== null) yield* tooMany(session, retention.runsPerRef);
  if (retention.logBytes !== null) yield* tooLarge(session, retention.logBytes, gone);
}

async function* tooOld(session: Session, { endedBefore, retention }: GcPolicy): AsyncGenerator<Step, void> {
  const fixed = { before: endedBefore, keep_newest: retention === undefined ? 0 : 1, limit: CHUNK };
  let after = { after_end: Number.MIN_SAFE_INTEGER, after_id: "" };
  for (;;) {
    const rows = await session.read(() => session.sql(ENDED_RUNS).all({ ...fixed, ...after }));
    yield rows.map((row) => because(text(row, "id"), "age"));
    const last = rows.at(-1);
    if (last === undefined || rows.length < CHUNK) return;
    after = { after_end: integer(last, "ended_at"), after_id: text(last, "id") };
  }
}

async function* tooMany(session: Session, keep: number): AsyncGenerator<Step, void> {
  for (let ref = await nextRef(session, ""); ref !== null; ref = await nextRef(session, ref)) {
    const name = ref;
    const first = await session.read(() => session.sql(FIRST_TOO_MANY).get({ ref: name, keep }));
    if (first === undefined) continue;
    const fixed = { ref: name, first: text(first, "id"), keep_newest: 1, limit: CHUNK };
    for (let after: string | null = ""; after !== null; ) {
      const from: string = after;
      const rows = await session.read(() => session.sql(TOO_MANY).all({ ...fixed, after: from }));
      yield rows.map((row) => because(text(row, "id"), "count"));
      const last = rows.at(-1);
      after = last === undefined || rows.length < CHUNK ? null : text(last, "id");
    }
  }
}

async function nextRef(session: Session, after: string): Promise<string | null> {
  const row = await session.read(() => session.sql(LIST_REFS).get({ after, limit: 1 }));
  return row === undefined ? null : text(row, "ref");
}

async function* tooLarge(
  session: Session,
  most: number,
  gone: ReadonlyMap<string, RemovalReason>,
): AsyncGenerator<Step, void> {
  const before = JSON.stringify([...gone.keys()]);
  const total = await session.read(() => session.sql(LOG_BYTES).get({ gone: before }));
  let excess = (total === undefined ? 0 : integer(total, "bytes")) - most;
  let after = { after_end: Number.MIN_SAFE_INTEGER, after_id: "" };
  while (excess > 0) {
    const params = { keep_newest: 1, limit: CHUNK, ...after };
    const rows = await session.read(() => session.sql(OLDEST_LOGS).all(params));
    const step: Removal[] = [];
    for (const row of rows) {
      if (excess <= 0) break;
      if (gone.has(text(row, "id"))) continue;
      excess -= integer(row, "log_bytes");
      step.push(because(text(row, "id"), "log_bytes"));
    }
    yield step;
    const last = rows.at(-1);
    if (last === undefined || rows.length < CHUNK) return;
    after = { after_end: integer(last, "ended_at"), after_id: text(last, "id") };
  }
}
