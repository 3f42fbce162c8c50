/** Who runs with paths or waits for some, by the places of these paths: what `src/domain/path-line.ts` asks. */
import { type PathLine, RUNNING_RANK, type Standing } from "../../domain/path-line.js";
import { type Spot, spotsOf } from "../../domain/path-places.js";
import type { PathMode, PathScope } from "../../domain/path-scope.js";
import type { SqlParams, SqlRow } from "./driver.js";
import { integer, text } from "./rows.js";
import type { SqlScope } from "./session.js";
import type { TaskRow } from "./task-rows.js";

export const PATHS_OF_TASK = "SELECT mode, space, pattern FROM task_paths WHERE seq = $seq";

/** Each is found by a search of its own, so that many who want one pattern are passed over at once. */
export const PATTERNS_AT = `
  WITH RECURSIVE found (pattern) AS (
    SELECT min(pattern) FROM path_places WHERE space = $space AND place = $place AND pattern > ''
    UNION ALL
    SELECT (SELECT min(pattern) FROM path_places WHERE space = $space AND place = $place AND pattern > found.pattern)
    FROM found WHERE pattern IS NOT NULL)
  SELECT pattern FROM found WHERE pattern IS NOT NULL`;

const AT_SPOT = `
  SELECT rank, seq FROM path_places WHERE space = $space AND place = $place AND pattern = $pattern AND mode = $mode`;
export const STANDING_BEFORE = `
  ${AT_SPOT} AND rank = $rank AND seq < $seq UNION ALL ${AT_SPOT} AND rank > $rank ORDER BY rank, seq DESC LIMIT $limit`;

export const TAKE_PLACES = "UPDATE path_places SET rank = $rank WHERE seq = $seq";
export const LEAVE_PLACES = "DELETE FROM path_places WHERE seq = $seq";

/** Stands for what begins beneath. */
const BENEATH = "";
/** Of those at a spot usually the first is wanted, sometimes all. */
const [FIRST_PAGE, WIDER, WIDEST_PAGE] = [1, 16, 1_000];

export const pathFromRow = (row: SqlRow): PathScope => ({
  mode: row.mode as PathMode,
  space: text(row, "space"),
  pattern: text(row, "pattern"),
});

export const readPaths = (scope: SqlScope, seq: number): readonly PathScope[] =>
  scope.sql(PATHS_OF_TASK).all({ seq }).map(pathFromRow);

const paramsOf = ({ mode, space, place, pattern }: Spot): SqlParams => ({
  mode,
  space,
  place,
  pattern: pattern ?? BENEATH,
});

export const standingOf = ({ seq, priority }: Pick<TaskRow, "seq" | "priority">): Standing => ({ seq, rank: priority });

/** A task waits for paths from now on; also one that had its turn, and has to go on waiting. */
export function standInLine(scope: SqlScope, { rank, seq }: Standing, paths: readonly PathScope[]): void {
  const insert = `INSERT OR IGNORE INTO path_places (space, place, pattern, mode, rank, seq)
    VALUES ($space, $place, $pattern, $mode, $rank, $seq)`;
  for (const spot of spotsOf(paths)) scope.sql(insert).run({ ...paramsOf(spot), rank, seq });
}

/** A task has these paths from now on, beside those that it has, or in place of waiting for them. */
export function holdPaths(scope: SqlScope, seq: number, paths: readonly PathScope[]): void {
  scope.sql(TAKE_PLACES).run({ seq, rank: RUNNING_RANK });
  standInLine(scope, { seq, rank: RUNNING_RANK }, paths);
}

/** A task neither has paths nor waits for them any more. */
export function leavePlaces(scope: SqlScope, seq: number): void {
  scope.sql(LEAVE_PLACES).run({ seq });
}

function* standingBefore(scope: SqlScope, spot: Spot, from: Standing): Generator<Standing> {
  const params = paramsOf(spot);
  let last = from;
  for (let limit = FIRST_PAGE; ; limit = Math.min(limit * WIDER, WIDEST_PAGE)) {
    const rows = scope.sql(STANDING_BEFORE).all({ ...params, rank: last.rank, seq: last.seq, limit });
    for (const row of rows) {
      last = { rank: integer(row, "rank"), seq: integer(row, "seq") };
      yield last;
    }
    if (rows.length < limit) return;
  }
}

export const pathLine = (scope: SqlScope): PathLine => ({
  patternsAt: (space, place) =>
    scope
      .sql(PATTERNS_AT)
      .all({ space, place })
      .map((row) => text(row, "pattern")),
  before: (spot, standing) => standingBefore(scope, spot, standing),
  pathsOf: (seq) => readPaths(scope, seq),
});
