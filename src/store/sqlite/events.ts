import type { EventFilter, EventStore } from "../event-store.js";
import { ChangeWatch } from "./change-watch.js";
import { eventFromRow, integer } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT, sqlList } from "./statements.js";

/** The text of a reader's query; its cursor is the sequence, so that a reader's cost is that of what is new. */
export function readEventsSql(filter: EventFilter): string {
  const where = ["sequence > $after"];
  if (filter.subject !== undefined) where.push("subject = $subject");
  if (filter.batchId !== undefined) where.push("batch_id = $batch_id");
  if (filter.types !== undefined) where.push(`type IN (${sqlList(filter.types)})`);
  return `SELECT * FROM events WHERE ${where.join(" AND ")} ORDER BY sequence ${LIMIT}`;
}

/** The newest sequence ever given, which stays when the newest events are removed. */
const LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";

export function sqliteEvents(session: Session): { readonly store: EventStore; readonly watch: ChangeWatch } {
  const watch = new ChangeWatch(session);
  const store: EventStore = {
    readEvents: (after, filter, limit) =>
      session.read(() => {
        const { subject, batchId } = filter;
        const params = {
          after,
          limit,
          ...(subject === undefined ? {} : { subject }),
          ...(batchId === undefined ? {} : { batch_id: batchId }),
        };
        return session.sql(readEventsSql(filter)).all(params).map(eventFromRow);
      }),
    lastSequence: () =>
      session.read(() => {
        const row = session.sql(LAST).get();
        return row === undefined ? 0 : integer(row, "seq");
      }),
    waitForChange: (timeoutMs, signal) => watch.wait(timeoutMs, signal),
  };
  return { store, watch };
}
