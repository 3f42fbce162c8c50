/** Runs that others execute, in the table of all runs. */
import { EXTERNAL_NAME_LABEL, type ExternalRun, toRun } from "../../domain/external-run.js";
import { isTerminal, type Run } from "../../domain/run.js";
import type { ExternalRunStore } from "../external-run-store.js";
import { nextOf } from "./counters.js";
import { appendEvent } from "./event-log.js";
import { filterParams } from "./run-filter.js";
import { insertRow } from "./run-placement.js";
import { listRunsSql } from "./run-queries.js";
import { runFromRow } from "./run-rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

export const LIST_DETACHED = `
  SELECT * FROM runs WHERE detached = 1 AND id > $after ORDER BY id ${LIMIT}`;

const named = (name: string) => ({ kind: "external", labels: { [EXTERNAL_NAME_LABEL]: name } }) as const;

function findByName(session: Session, name: string): Run | null {
  const filter = named(name);
  const row = session.sql(listRunsSql(filter, {})).get({ ...filterParams(filter), limit: 1 });
  return row === undefined ? null : runFromRow(row);
}

function recordRun(session: Session, name: string | null, make: (found: Run | null) => ExternalRun | null): void {
  const found = name === null ? null : findByName(session, name);
  const made = make(found);
  if (made === null) return;
  const told = { ...made, id: found?.id ?? made.id };
  const run = { ...toRun(told, name, nextOf(session, "fence")), pinned: found?.pinned ?? false };
  session.sql("DELETE FROM runs WHERE id = $id").run({ id: run.id });
  insertRow(session, run);
  const event = { subject: run.id, batchId: null };
  if (found === null) {
    const data = { machine: run.machine, ref: run.ref, slot: null, created_by: run.createdBy };
    appendEvent(session, { ...event, type: "run.created", data });
  }
  if (isTerminal(run.status) && (found === null || !isTerminal(found.status))) {
    const facts = { attempt: run.attempt, status: run.status, exit_code: run.exitCode, signal: null };
    const data = { ...facts, error_code: run.errorCode, error_msg: run.errorMsg };
    appendEvent(session, { ...event, type: "run.finished", data });
  }
}

export function sqliteExternalRuns(session: Session): ExternalRunStore {
  return {
    recordRun: (name, make) => session.write(() => recordRun(session, name, make)),
    findByName: (name) => session.read(() => findByName(session, name)),
    listDetached: (after, limit) =>
      session.read(() => session.sql(LIST_DETACHED).all({ after, limit }).map(runFromRow)),
  };
}
