/** Reading runs. Every query has an index of its own; `query-plans.test.ts` proves it. */
import { ACTIVE_STATUSES, noRuns, RUN_STATUSES, type Run, type RunStatus } from "../../domain/run.js";
import type { RunFilter, RunPage, RunStore } from "../run-store.js";
import type { SqlParams } from "./driver.js";
import { integer, text } from "./rows.js";
import { type Bounds, filterParams, statusesOf, walksOf } from "./run-filter.js";
import { runFromRow } from "./run-rows.js";
import type { Session } from "./session.js";
import { LIMIT, sqlList } from "./statements.js";

export const ACTIVE = `status IN (${sqlList(ACTIVE_STATUSES)})`;

/** Ids are ASCII; U+10FFFF sorts after everything that can follow a prefix. */
export const BY_PREFIX = `
  SELECT * FROM runs WHERE id >= $prefix AND id < $prefix || char(0x10FFFF) ORDER BY id ${LIMIT}`;
const BY_IDS = "SELECT * FROM runs WHERE id IN (SELECT value FROM json_each($ids))";
export const HOLDERS = "SELECT * FROM runs WHERE machine = $machine AND slot IS NOT NULL";
/** The `+` keeps SQLite from walking everything that ever ran on the machine instead of the few runs of the tree. */
export const BY_TREE = "SELECT * FROM runs WHERE test_dir_hash = $hash AND +machine = $machine ORDER BY id DESC";
export const COMPLETED = `
  SELECT * FROM runs WHERE machine = $machine AND work_hash = $work_hash AND status = 'completed'
  ORDER BY id DESC LIMIT 1`;
export const DURATIONS = `
  SELECT ended_at - started_at AS duration FROM runs
  WHERE ref = $ref AND status = 'completed' ORDER BY id DESC ${LIMIT}`;

/** The text of a page, newest first. */
export function listRunsSql(filter: RunFilter, page: Bounds, direction: "ASC" | "DESC" = "DESC"): string {
  const { selects, key } = walksOf(filter, page, "runs.*");
  return `${selects.join(" UNION ALL ")} ORDER BY ${key} ${direction} ${LIMIT}`;
}

export function countRunsSql(filter: RunFilter): string {
  return statusesOf(filter)
    .flatMap((status) => (status === null ? RUN_STATUSES : [status]))
    .flatMap((status) => walksOf({ ...filter, statuses: [status] }, {}, `'${status}' AS status, count(*) AS n`).selects)
    .join(" UNION ALL ");
}

export function readRun(session: Session, id: string): Run | null {
  const row = session.sql("SELECT * FROM runs WHERE id = $id").get({ id });
  return row === undefined ? null : runFromRow(row);
}

/** At most as many as the machine has slots; sorted here, since the index that finds them is ordered by slot. */
export function holdersOf(session: Session, machine: string): readonly Run[] {
  const holders = session.sql(HOLDERS).all({ machine }).map(runFromRow);
  return holders.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export const ACTIVE_RUNS_SQL = listRunsSql({ statuses: ACTIVE_STATUSES }, {}, "ASC");

function countRuns(session: Session, filter: RunFilter): Record<RunStatus, number> {
  const counts = noRuns();
  if (statusesOf(filter).length === 0) return counts;
  for (const row of session.sql(countRunsSql(filter)).all(filterParams(filter))) {
    const status = RUN_STATUSES.find((s) => s === text(row, "status"));
    if (status !== undefined) counts[status] = integer(row, "n");
  }
  return counts;
}

function listRuns(session: Session, filter: RunFilter, page: RunPage): readonly Run[] {
  if (statusesOf(filter).length === 0) return [];
  const params = { ...filterParams(filter, page), limit: page.limit };
  return session.sql(listRunsSql(filter, page)).all(params).map(runFromRow);
}

type RunQueries = Pick<
  RunStore,
  | "getRun"
  | "findRunsByPrefix"
  | "getRuns"
  | "listRuns"
  | "countRuns"
  | "activeRuns"
  | "activeByMachine"
  | "findByTestDirHashAndMachine"
  | "findCompletedByWork"
  | "recentDurations"
>;

export function runQueries(session: Session): RunQueries {
  const many = (sql: string, params: SqlParams): Promise<readonly Run[]> =>
    session.read(() => session.sql(sql).all(params).map(runFromRow));
  return {
    getRun: (id) => session.read(() => readRun(session, id)),
    findRunsByPrefix: (prefix, limit) => many(BY_PREFIX, { prefix, limit }),
    getRuns: async (ids) => new Map((await many(BY_IDS, { ids: JSON.stringify(ids) })).map((run) => [run.id, run])),
    listRuns: (filter, page) => session.read(() => listRuns(session, filter, page)),
    countRuns: (filter) => session.read(() => countRuns(session, filter)),
    activeRuns: () => many(ACTIVE_RUNS_SQL, { limit: -1 }),
    activeByMachine: (machine) => session.read(() => holdersOf(session, machine)),
    findByTestDirHashAndMachine: (hash, machine) => many(BY_TREE, { hash, machine }),
    findCompletedByWork: async (machine, workHash) =>
      (await many(COMPLETED, { machine, work_hash: workHash }))[0] ?? null,
    recentDurations: (ref, limit) =>
      session.read(() =>
        session
          .sql(DURATIONS)
          .all({ ref, limit })
          .map((row) => integer(row, "duration")),
      ),
  };
}
