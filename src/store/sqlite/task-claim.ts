/** Claims: who gets which waiting task. One walk of an index in the order of (priority, age), whatever waits besides. */
import { PathLookout } from "../../domain/path-line.js";
import type { PathScope } from "../../domain/path-scope.js";
import { plainFailure } from "../../domain/task.js";
import { WORKER_LEASES } from "../../domain/worker.js";
import type { ClaimAnswer, ClaimedTask, ClaimRequest, Owner } from "../attempt-store.js";
import { takeFences } from "./counters.js";
import { appendEvents } from "./event-log.js";
import { readLease } from "./leases.js";
import { holdPaths, pathLine, standingOf } from "./path-places.js";
import { integer, integerOrNull } from "./rows.js";
import type { Session, SqlScope } from "./session.js";
import { LIMIT } from "./statements.js";
import { CALLS, callMore, endWaitingTask, leaveLine, queueTask, waitForPaths } from "./task-gates.js";
import { pathsOfRow } from "./task-paths.js";
import { type ReadyRow, readReady } from "./task-ready.js";
import { earliest, isHeldByRate, type Room, roomsOf, takeRates } from "./task-rooms.js";
import { type TaskRow, tagsOf, toTaskRow } from "./task-rows.js";

/** What one write promotes or expires at most; the rest comes with the next claim. */
const MOST_DUE = 1_000;
/** The same of what costs more: turns that are over, and tasks that are found held by paths. */
const MOST_SET_ASIDE = 100;
const WIDEST_WALK = 500;

export const DUE = `SELECT * FROM tasks WHERE state = 'scheduled' AND run_at <= $now ORDER BY run_at ${LIMIT}`;
export const EXPIRED_DEADLINES = `
  SELECT * FROM tasks WHERE deadline_at <= $now AND deadline_at IS NOT NULL AND state IN ('queued', 'scheduled')
  ORDER BY deadline_at ${LIMIT}`;
export const EXPIRED_TURNS = `SELECT seq FROM path_waits WHERE turn_until <= $now ORDER BY turn_until ${LIMIT}`;
export const NEXT_TURN = "SELECT turn_until AS at FROM path_waits WHERE turn_until > 0 ORDER BY turn_until LIMIT 1";
export const NEXT_DUE = "SELECT run_at AS at FROM tasks WHERE state = 'scheduled' ORDER BY run_at LIMIT 1";
export const NEXT_DEADLINE = `
  SELECT deadline_at AS at FROM tasks WHERE deadline_at IS NOT NULL AND state IN ('queued', 'scheduled')
  ORDER BY deadline_at LIMIT 1`;

/** One statement for all that were taken, in their order: the fence of each is the first one's and its place. */
export const START = `
  UPDATE tasks SET state = 'running', attempt = attempt + 1, fence = $first + taken.key, owner = $owner,
    started_at = $now, begun = taken.key < $begin, rate_reserved = 0
  FROM json_each($taken) AS taken WHERE tasks.seq = taken.value`;

/** A worker's record stays as long as one of its tasks. Engines have none. */
export const REMEMBER_WORKER = `
  INSERT OR IGNORE INTO worker_tasks (owner, seq) SELECT $owner, value FROM json_each($taken)`;

/** Those that waited for paths have them now, or had their turn before they asked for any. */
const TAKE_PATHS = "DELETE FROM path_waits WHERE seq IN (SELECT value FROM json_each($taken))";
/** Those that wait for a task which runs again wait for it as before, and are called at its end. */
const CALL_NO_MORE = "DELETE FROM path_calls WHERE holder IN (SELECT value FROM json_each($taken))";

/** One claim under way. */
class Claim {
  readonly taken: ReadyRow[] = [];
  readonly #scope: SqlScope;
  readonly #wanted: Wanted;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #now: number;
  readonly #lookout: PathLookout;
  #setAside = 0;

  constructor(scope: SqlScope, wanted: Wanted, rooms: ReadonlyMap<string, Room>, now: number) {
    this.#scope = scope;
    this.#lookout = new PathLookout(pathLine(scope));
    this.#wanted = wanted;
    this.#rooms = rooms;
    this.#now = now;
  }

  /** Takes as many as there is room for. Types that are full are left out of the next walk, so that each walk gets further. */
  fill(): void {
    const most = this.#wanted.begin + this.#wanted.ahead;
    const seen = new Set<number>();
    // Where many are held back each walk is wider than the one before, so that their number of walks stays small.
    for (let width = most; this.taken.length < most; width = Math.max(most, Math.min(2 * width, WIDEST_WALK))) {
      const before = this.#setAside;
      // Those that were taken are still among them: they begin with all the others, at the end.
      const rows = readReady(this.#scope, this.#openTypes(), this.#wanted.tags ?? [], width);
      for (const row of rows) {
        if (this.taken.length >= most || this.hasLookedEnough) return;
        if (seen.has(row.seq) || !this.#hasRoom(row)) continue;
        // Claimed only to begin at once; nothing overtakes it, or it would wait for ever behind what is claimed ahead.
        if (row.suspect === 1 && this.taken.length >= this.#wanted.begin) return;
        seen.add(row.seq);
        this.take(row);
      }
      // Whoever is set aside leaves the slot of its key, perhaps to one that was not among these.
      if (rows.length < width && this.#setAside === before) return;
    }
  }

  /** Others want to write too. What was not looked at is for the next write. */
  get hasLookedEnough(): boolean {
    return this.#setAside >= MOST_SET_ASIDE;
  }

  #openTypes(): readonly string[] {
    return [...this.#rooms].flatMap(([type, { left }]) => (left > 0 ? [type] : []));
  }

  #hasRoom({ type }: ReadyRow): boolean {
    return (this.#rooms.get(type)?.left ?? 0) > 0;
  }

  /** Takes a task unless something holds it back. */
  take(row: ReadyRow): void {
    const room = this.#rooms.get(row.type);
    if (room === undefined || room.left <= 0) return;
    const paths = pathsOfRow(this.#scope, row);
    if (this.#isHeldByPaths(row, paths) || isHeldByRate(this.#scope, row, room.queue, this.#now)) return;
    this.taken.push(row);
    if (paths.length > 0) holdPaths(this.#scope, row.seq, paths);
    room.left -= 1;
  }

  /** Puts a task whose paths others have, or are to have first, into the line of those who wait for paths. */
  #isHeldByPaths(row: ReadyRow, paths: readonly PathScope[]): boolean {
    if (paths.length === 0) return false;
    const nearest = this.#lookout.nearest(standingOf(row), paths);
    if (nearest === null) return false;
    waitForPaths(this.#scope, row, paths, nearest.seq);
    this.#setAside += 1;
    return true;
  }

  /** Gives what was taken to its owner. */
  start(ownerOf: () => Owner): readonly ClaimedTask[] {
    if (this.taken.length === 0) return [];
    takeRates(this.#scope, this.taken, this.#rooms, this.#now);
    return start(this.#scope, ownerOf(), this.#wanted.begin, this.taken, this.#now);
  }
}

/** Tasks whose time has come are queued, those whose deadline has passed fail, turns that were not taken are over. */
export function advanceTime(scope: SqlScope, now: number): void {
  for (const row of scope.sql(EXPIRED_DEADLINES).all({ now, limit: MOST_DUE }).map(toTaskRow)) {
    const since = now - row.submitted_at;
    const message = `It had not ended ${since} ms after its submission, when its deadline had passed.`;
    endWaitingTask(scope, row, "failed", plainFailure("deadline_exceeded", message));
  }
  for (const row of scope.sql(DUE).all({ now, limit: MOST_DUE }).map(toTaskRow)) queueTask(scope, row, "due");
  for (const row of scope.sql(EXPIRED_TURNS).all({ now, limit: MOST_SET_ASIDE })) leaveLine(scope, integer(row, "seq"));
  callMore(scope);
}

/** Whether time has more to change than was changed. */
const isBehind = (scope: SqlScope, now: number): boolean =>
  [DUE, EXPIRED_DEADLINES, EXPIRED_TURNS].some((sql) => scope.sql(sql).get({ now, limit: 1 }) !== undefined) ||
  scope.sql(CALLS).get() !== undefined;

/** Makes attempts of what was taken: one fence for each, in their order; the first `begin` begin now. */
function start(
  scope: SqlScope,
  { name, fence: owner }: Owner,
  begin: number,
  taken: readonly ReadyRow[],
  now: number,
): readonly ClaimedTask[] {
  const first = takeFences(scope, taken.length);
  const seqs = JSON.stringify(taken.map((row) => row.seq));
  scope.sql(START).run({ first, owner, now, begin, taken: seqs });
  if (name.startsWith(WORKER_LEASES)) scope.sql(REMEMBER_WORKER).run({ owner, taken: seqs });
  takePaths(scope, taken);
  const started = taken.map((row, at) => claimedFrom(scope, row, first + at));
  appendEvents(
    scope,
    started.map(({ id, attempt, fence }) => ({ type: "task.started", subject: id, data: { attempt, fence, owner } })),
  );
  return started;
}

function takePaths(scope: SqlScope, all: readonly ReadyRow[]): void {
  const withPaths = all.filter((row) => row.has_paths === 1);
  if (withPaths.length === 0) return;
  const taken = JSON.stringify(withPaths.map((row) => row.seq));
  for (const sql of [TAKE_PATHS, CALL_NO_MORE]) scope.sql(sql).run({ taken });
}

export const claimedFrom = (scope: SqlScope, row: ReadyRow, fence: number): ClaimedTask => ({
  id: row.id,
  sequence: row.seq,
  type: row.type,
  run: row.run,
  attempt: row.attempt + 1,
  failures: row.failures,
  crashes: row.crashes,
  maxAttempts: row.max_attempts,
  timeoutMs: row.timeout_ms,
  deadlineAt: row.deadline_at,
  parentId: row.parent_id,
  trace: row.trace,
  submittedAt: row.submitted_at,
  tags: tagsOf(row),
  paths: pathsOfRow(scope, row),
  fence,
  params: row.params,
});

function claimInWrite(
  scope: SqlScope,
  request: ClaimRequest,
): { readonly answer: ClaimAnswer; readonly more: boolean } {
  const { owner } = request;
  if (readLease(scope, owner.name)?.fence !== owner.fence) {
    return { answer: { held: false, tasks: [], wakeAt: null }, more: false };
  }
  const { tasks, more } = claimUnder(scope, request, () => owner);
  return { answer: { held: true, tasks, wakeAt: wakeAt(scope, request, scope.now()) }, more };
}

/** What a claim says but for whose it is. */
export type Wanted = Omit<ClaimRequest, "owner">;

/**
 * Claims for an owner whose lease is surely its own.
 *
 * @param ownerOf called once, when something was found: a lease can be taken for it in this write
 * @returns more: nothing was found yet, and not everything was looked at
 */
export function claimUnder(
  scope: SqlScope,
  wanted: Wanted,
  ownerOf: () => Owner,
): { readonly tasks: readonly ClaimedTask[]; readonly more: boolean } {
  const now = scope.now();
  advanceTime(scope, now);
  const { rooms } = roomsOf(scope, wanted, now);
  const claim = new Claim(scope, wanted, rooms, now);
  claim.fill();
  const tasks = claim.start(ownerOf);
  return { tasks, more: tasks.length === 0 && (claim.hasLookedEnough || isBehind(scope, now)) };
}

/** Claims until something is found or there is no more to look at, and lets others write between. */
export async function claimInTurns<T extends { readonly more: boolean }>(session: Session, claim: () => T): Promise<T> {
  for (;;) {
    const found = await session.write(claim);
    if (!found.more) return found;
  }
}

/** The same for one waiting task with an open gate; null when the limits of its queue hold it back. */
export function claimRow(scope: SqlScope, row: TaskRow, ownerOf: () => Owner): ClaimedTask | null {
  const now = scope.now();
  const wanted: Wanted = { types: [{ type: row.type, limit: 1 }], begin: 1, ahead: 0 };
  const { rooms } = roomsOf(scope, wanted, now);
  const claim = new Claim(scope, wanted, rooms, now);
  claim.take(row);
  return claim.start(ownerOf)[0] ?? null;
}

function wakeAt(scope: SqlScope, request: Wanted, now: number): number | null {
  const at = (sql: string): number | null => integerOrNull(scope.sql(sql).get() ?? { at: null }, "at");
  const calls = scope.sql(CALLS).get() === undefined ? null : now;
  return [at(NEXT_DUE), at(NEXT_DEADLINE), at(NEXT_TURN), calls, roomsOf(scope, request, now).rateAt].reduce(
    earliest,
    null,
  );
}

/** Whether a claim could find something. */
export function hasWork(scope: SqlScope, request: Wanted, now: number): boolean {
  const types = [...roomsOf(scope, request, now).rooms.keys()];
  return readReady(scope, types, request.tags ?? [], 1).length > 0 || isBehind(scope, now);
}

/** See `AttemptStore.claimTasks`. It looks before it asks for the lock: an idle engine writes nothing. */
export async function claimTasks(session: Session, request: ClaimRequest): Promise<ClaimAnswer> {
  const idle = request.expectWork === true ? null : await session.snapshot(() => idleAnswer(session, request));
  return idle ?? (await claimInTurns(session, () => claimInWrite(session, request))).answer;
}

function idleAnswer(scope: SqlScope, request: ClaimRequest): ClaimAnswer | null {
  const now = scope.now();
  if (hasWork(scope, request, now)) return null;
  const held = readLease(scope, request.owner.name)?.fence === request.owner.fence;
  return { held, tasks: [], wakeAt: wakeAt(scope, request, now) };
}
