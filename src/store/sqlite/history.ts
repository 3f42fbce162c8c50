/** History in SQLite: walks of a few index entries, however much there is. */
import type { HistoryStore } from "../history-store.js";
import type { RunFilter } from "../run-store.js";
import { integer, text } from "./rows.js";
import { type Bounds, filterParams, statusesOf, walksOf } from "./run-filter.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

/** From one ref straight to the next in the index, instead of over all runs of each. */
export const LIST_REFS = `
  WITH RECURSIVE refs (ref) AS (
    SELECT min(ref) FROM runs WHERE ref > $after
    UNION ALL SELECT (SELECT min(ref) FROM runs WHERE ref > refs.ref) FROM refs WHERE refs.ref IS NOT NULL
  )
  SELECT ref FROM refs WHERE ref IS NOT NULL ${LIMIT}`;

export const DURATIONS_BEFORE = `
  SELECT ended_at - started_at AS duration FROM runs
  WHERE ref = $ref AND status = 'completed' AND id < $before ORDER BY id DESC ${LIMIT}`;

export const countUpToSql = (filter: RunFilter, bounds: Bounds): string =>
  `SELECT count(*) AS n FROM (${walksOf(filter, bounds, "1").selects.join(" UNION ALL ")} LIMIT $most)`;

export function sqliteHistory(session: Session): HistoryStore {
  return {
    listRefs: (after, limit) =>
      session.read(() =>
        session
          .sql(LIST_REFS)
          .all({ after: after ?? "", limit })
          .map((row) => text(row, "ref")),
      ),
    countUpTo: (filter, bounds, most) =>
      session.read(() => {
        if (statusesOf(filter).length === 0) return 0;
        const row = session.sql(countUpToSql(filter, bounds)).get({ ...filterParams(filter, bounds), most });
        return row === undefined ? 0 : integer(row, "n");
      }),
    durationsBefore: (ref, before, limit) =>
      session.read(() =>
        session
          .sql(DURATIONS_BEFORE)
          .all({ ref, before, limit })
          .map((row) => integer(row, "duration")),
      ),
  };
}
