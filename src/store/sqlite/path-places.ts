/** Who runs with paths or waits for some, by the places of these paths: what `src/domain/path-line.ts` asks. */
import { type PathLine, RUNNING_RANK, type Standing } from "../../domain/path-line.js";
import { type Spot, spotsOf } from "../../domain/path-places.js";
import type { PathMode, PathScope } from "../../domain/path-scope.js";
import type { SqlParams, SqlRow } from "./driver.js";
import { integer, text } from "./rows.js";
import type { SqlScope } from "./session.js";
import { LIMIT } from "./statements.js";
import type { TaskRow } from "./task-rows.js";

export const PATHS_OF_TASK = "SELECT mode, space, pattern FROM task_paths WHERE seq = $seq";

/** Each is found by a search of its own, so that many who want one pattern are passed over at once. */
export const NEXT_PATTERN = `
  SELECT pattern FROM path_places WHERE space = $space AND place = $place AND pattern > $pattern ORDER BY pattern LIMIT 1`;

const AT_SPOT = `
  SELECT rank, seq FROM path_places WHERE space = $space AND place = $place AND pattern = $pattern AND mode = $mode`;
export const OF_SAME_RANK = `${AT_SPOT} AND rank = $rank AND seq < $seq ORDER BY seq DESC ${LIMIT}`;
export const OF_NEXT_RANK = `${AT_SPOT} AND rank > $rank ORDER BY rank, seq DESC LIMIT 1`;

export const PATTERNS_OF = `
  SELECT task_paths.seq, pattern FROM json_each($seqs) AS one
  CROSS JOIN task_paths ON task_paths.seq = one.value AND mode = $mode AND space = $space`;

export const TAKE_PLACES = "UPDATE path_places SET rank = $rank WHERE seq = $seq";
export const LEAVE_PLACES = "DELETE FROM path_places WHERE seq = $seq";

/** Stands for what begins beneath. */
const BENEATH = "";
/** Of those at a spot usually the first is wanted, sometimes all. */
const [FIRST_PAGE, WIDER, WIDEST_PAGE] = [1, 16, 1_000];

const pathFromRow = (row: SqlRow): PathScope => ({
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

/** A task is found by these paths from now on, where it stands; it may have been so before. */
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

function patternsAt(scope: SqlScope, space: string, place: string): readonly string[] {
  const found: string[] = [];
  for (let pattern = BENEATH; ; found.push(pattern)) {
    const row = scope.sql(NEXT_PATTERN).get({ space, place, pattern });
    if (row === undefined) return found;
    pattern = text(row, "pattern");
  }
}

const standingFromRow = (row: SqlRow): Standing => ({ rank: integer(row, "rank"), seq: integer(row, "seq") });

/** Those of one rank after those of another, the lower first; in pages, each wider than the one before. */
function* pagesBefore(scope: SqlScope, spot: Spot, from: Standing): Generator<readonly Standing[]> {
  const params = paramsOf(spot);
  for (let last = from; ; ) {
    for (let limit = FIRST_PAGE; limit > 0; ) {
      const page = scope
        .sql(OF_SAME_RANK)
        .all({ ...params, ...last, limit })
        .map(standingFromRow);
      yield page;
      last = page.at(-1) ?? last;
      limit = page.length < limit ? 0 : Math.min(limit * WIDER, WIDEST_PAGE);
    }
    const next = scope.sql(OF_NEXT_RANK).get({ ...params, rank: last.rank });
    if (next === undefined) return;
    last = standingFromRow(next);
    yield [last];
  }
}

function* standingBefore(scope: SqlScope, spot: Spot, from: Standing): Generator<Standing> {
  for (const page of pagesBefore(scope, spot, from)) yield* page;
}

function* patternsBefore(scope: SqlScope, spot: Spot, from: Standing): ReturnType<PathLine["patternsBefore"]> {
  const { mode, space } = spot;
  for (const page of pagesBefore(scope, spot, from)) {
    const patterns = new Map<number, string[]>(page.map(({ seq }) => [seq, []]));
    const seqs = JSON.stringify([...patterns.keys()]);
    for (const row of scope.sql(PATTERNS_OF).all({ seqs, mode, space })) {
      patterns.get(integer(row, "seq"))?.push(text(row, "pattern"));
    }
    for (const standing of page) yield { ...standing, patterns: patterns.get(standing.seq) ?? [] };
  }
}

export const pathLine = (scope: SqlScope): PathLine => ({
  patternsAt: (space, place) => patternsAt(scope, space, place),
  before: (spot, standing) => standingBefore(scope, spot, standing),
  patternsBefore: (spot, standing) => patternsBefore(scope, spot, standing),
  pathsOf: (seq) => readPaths(scope, seq),
});
