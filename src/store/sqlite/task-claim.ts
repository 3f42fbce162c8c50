/** Claims: who gets which waiting task. One walk of an index in the order of (priority, age), whatever waits besides. */
import { afterStarts, availableStarts, nextStartAt, type RateLimit } from "../../domain/rate-limit.js";
import { WORKER_LEASES } from "../../domain/worker.js";
import type { ClaimAnswer, ClaimedTask, ClaimRequest } from "../attempt-store.js";
import type { Queue } from "../queue-store.js";
import { takeFences } from "./counters.js";
import { appendEvents } from "./event-log.js";
import { readLease } from "./leases.js";
import { readQueues } from "./queues.js";
import { integer, integerOrNull } from "./rows.js";
import type { Session, SqlScope } from "./session.js";
import { endWaitingTask, queueTask } from "./task-gates.js";
import { type TaskRow, toTaskRow } from "./task-rows.js";

/** What one write promotes or expires at most; the rest comes with the next claim. */
const MOST_DUE = 1_000;

export const DUE = "SELECT * FROM tasks WHERE state = 'scheduled' AND run_at <= $now ORDER BY run_at LIMIT $limit";
export const EXPIRED_DEADLINES = `
  SELECT * FROM tasks WHERE deadline_at <= $now AND deadline_at IS NOT NULL AND state IN ('queued', 'scheduled')
  ORDER BY deadline_at LIMIT $limit`;
export const NEXT_DUE = "SELECT run_at AS at FROM tasks WHERE state = 'scheduled' ORDER BY run_at LIMIT 1";
export const NEXT_DEADLINE = `
  SELECT deadline_at AS at FROM tasks WHERE deadline_at IS NOT NULL AND state IN ('queued', 'scheduled')
  ORDER BY deadline_at LIMIT 1`;
export const RUNNING_OF_TYPE = "SELECT count(*) AS n FROM tasks WHERE type = $type AND state = 'running'";

const READY_COLUMNS = `seq, id, type, priority, run, attempt, failures, crashes, suspect, max_attempts, timeout_ms,
  deadline_at, submitted_at, concurrency_key, rate_reserved, parent_id, trace, params`;

type ReadyRow = Pick<
  TaskRow,
  | "seq"
  | "id"
  | "type"
  | "run"
  | "attempt"
  | "failures"
  | "crashes"
  | "suspect"
  | "max_attempts"
  | "timeout_ms"
  | "deadline_at"
  | "submitted_at"
  | "concurrency_key"
  | "rate_reserved"
  | "parent_id"
  | "trace"
  | "params"
>;

/** Types are one ordered walk each, which SQLite merges as far as the limit. */
export const readySql = (types: number): string =>
  `${Array.from(
    { length: types },
    (_, n) => `SELECT ${READY_COLUMNS} FROM tasks WHERE type = $type_${n} AND state = 'queued' AND gate = 'open'`,
  ).join(" UNION ALL ")} ORDER BY priority DESC, seq LIMIT $limit`;

/** One statement for all that were taken, in their order: the fence of each is the first one's and its place. */
export const START = `
  UPDATE tasks SET state = 'running', attempt = attempt + 1, fence = $first + taken.key, owner = $owner,
    started_at = $now, begun = taken.key < $begin, rate_reserved = 0
  FROM json_each($taken) AS taken WHERE tasks.seq = taken.value`;

/** A worker's record stays as long as one of its tasks. Engines have none. */
export const REMEMBER_WORKER = `
  INSERT OR IGNORE INTO worker_tasks (owner, seq) SELECT $owner, value FROM json_each($taken)`;

interface Room {
  readonly queue: Queue | null;
  left: number;
}

/** How many tasks of each type may begin now, without those that may not; and when a rate lets the next through. */
function roomsOf(
  scope: SqlScope,
  request: ClaimRequest,
  now: number,
): { rooms: Map<string, Room>; rateAt: number | null } {
  const queues = readQueues(scope);
  const rooms = new Map<string, Room>();
  let rateAt: number | null = null;
  for (const { type, limit } of request.types) {
    const found = queues.get(type);
    if (found?.paused === true) continue;
    const left = Math.min(limit, concurrencyLeft(scope, found ?? null));
    if (left <= 0) continue;
    const starts =
      found === undefined || found.rate === null ? left : availableStarts(found.rate, found.rateFilledAt, now, left);
    if (starts > 0) rooms.set(type, { queue: found ?? null, left: starts });
    else if (found?.rate) rateAt = earliest(rateAt, nextStartAt(found.rate, found.rateFilledAt, now));
  }
  return { rooms, rateAt };
}

const earliest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

function concurrencyLeft(scope: SqlScope, queue: Queue | null): number {
  if (queue === null || queue.concurrency === null) return Number.POSITIVE_INFINITY;
  return queue.concurrency - integer(scope.sql(RUNNING_OF_TYPE).get({ type: queue.type }) ?? { n: 0 }, "n");
}

function readReady(scope: SqlScope, rooms: ReadonlyMap<string, Room>, limit: number): readonly ReadyRow[] {
  const open = [...rooms].filter(([, room]) => room.left > 0);
  if (open.length === 0) return [];
  const types = Object.fromEntries(open.map(([type], n) => [`type_${n}`, type]));
  return scope
    .sql(readySql(open.length))
    .all({ ...types, limit })
    .map(toTaskRow);
}

/** One claim under way. */
class Claim {
  readonly taken: ReadyRow[] = [];
  readonly #scope: SqlScope;
  readonly #request: ClaimRequest;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #now: number;

  constructor(scope: SqlScope, request: ClaimRequest, rooms: ReadonlyMap<string, Room>, now: number) {
    this.#scope = scope;
    this.#request = request;
    this.#rooms = rooms;
    this.#now = now;
  }

  /** Takes as many as there is room for. Types that are full are left out of the next walk, so that each walk gets further. */
  fill(): void {
    const most = this.#request.begin + this.#request.ahead;
    const seen = new Set<number>();
    for (;;) {
      const limit = most - this.taken.length;
      const rows = limit <= 0 ? [] : readReady(this.#scope, this.#rooms, limit);
      for (const row of rows) {
        if (seen.has(row.seq)) continue;
        const room = this.#rooms.get(row.type);
        if (room === undefined || room.left <= 0) continue;
        // Claimed only to begin at once; nothing overtakes it, or it would wait for ever behind what is claimed ahead.
        if (row.suspect === 1 && this.taken.length >= this.#request.begin) return;
        seen.add(row.seq);
        this.#take(row, room);
      }
      if (rows.length < limit || limit <= 0) return;
    }
  }

  #take(row: ReadyRow, room: Room): void {
    if (isHeldByRate(this.#scope, row, room.queue, this.#now)) return;
    this.taken.push(row);
    room.left -= 1;
  }
}

/** Gives a task that is too early for the rate of its key a place of its own later; it is due then, and not asked again. */
function isHeldByRate(scope: SqlScope, row: ReadyRow, queue: Queue | null, now: number): boolean {
  const rate = queue?.keyRate ?? null;
  const key = row.concurrency_key;
  if (rate === null || key === null || row.rate_reserved === 1) return false;
  const found = scope
    .sql("SELECT filled_at FROM key_rates WHERE type = $type AND key = $key")
    .get({ type: row.type, key });
  const filledAt = found === undefined ? 0 : integer(found, "filled_at");
  scope
    .sql(
      `INSERT INTO key_rates (type, key, filled_at) VALUES ($type, $key, $filled_at)
       ON CONFLICT DO UPDATE SET filled_at = excluded.filled_at`,
    )
    .run({ type: row.type, key, filled_at: afterStarts(rate, filledAt, now, 1) });
  if (availableStarts(rate, filledAt, now, 1) === 1) return false;
  postpone(scope, row, nextStartAt(rate, filledAt, now));
  return true;
}

function postpone(scope: SqlScope, row: ReadyRow, runAt: number): void {
  const sql = "UPDATE tasks SET state = 'scheduled', run_at = $run_at, rate_reserved = 1 WHERE seq = $seq";
  scope.sql(sql).run({ seq: row.seq, run_at: runAt });
}

/** Tasks whose time has come are queued, those whose deadline has passed fail. */
function advanceTime(scope: SqlScope, now: number): void {
  for (const row of scope.sql(EXPIRED_DEADLINES).all({ now, limit: MOST_DUE }).map(toTaskRow)) {
    const since = now - row.submitted_at;
    const message = `It had not ended ${since} ms after its submission, when its deadline had passed.`;
    endWaitingTask(scope, row, "failed", { code: "deadline_exceeded", name: null, message });
  }
  for (const row of scope.sql(DUE).all({ now, limit: MOST_DUE }).map(toTaskRow)) queueTask(scope, row, "due");
}

function takeRates(scope: SqlScope, claim: Claim, rooms: ReadonlyMap<string, Room>, now: number): void {
  for (const [type, { queue }] of rooms) {
    if (queue?.rate == null) continue;
    const starts = claim.taken.filter((row) => row.type === type).length;
    if (starts > 0) takeStarts(scope, type, queue.rate, starts, now);
  }
}

function takeStarts(scope: SqlScope, type: string, rate: RateLimit, starts: number, now: number): void {
  const found = scope.sql("SELECT rate_filled_at FROM queues WHERE type = $type").get({ type });
  const filledAt = found === undefined ? 0 : integer(found, "rate_filled_at");
  scope
    .sql("UPDATE queues SET rate_filled_at = $filled_at WHERE type = $type")
    .run({ type, filled_at: afterStarts(rate, filledAt, now, starts) });
}

/** Gives tasks that were taken to their owner, in their order; the first `begin` of them begin now. */
function start(
  scope: SqlScope,
  { owner: { name, fence: owner }, begin }: ClaimRequest,
  taken: readonly ReadyRow[],
  now: number,
): readonly ClaimedTask[] {
  if (taken.length === 0) return [];
  const first = takeFences(scope, taken.length);
  const seqs = JSON.stringify(taken.map((row) => row.seq));
  scope.sql(START).run({ first, owner, now, begin, taken: seqs });
  if (name.startsWith(WORKER_LEASES)) scope.sql(REMEMBER_WORKER).run({ owner, taken: seqs });
  const started = taken.map((row, at) => claimedFrom(row, first + at));
  appendEvents(
    scope,
    started.map(({ id, attempt, fence }) => ({ type: "task.started", subject: id, data: { attempt, fence, owner } })),
  );
  return started;
}

const claimedFrom = (row: ReadyRow, fence: number): ClaimedTask => ({
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
  fence,
  params: row.params,
});

function claimInWrite(scope: SqlScope, request: ClaimRequest): ClaimAnswer {
  const { owner } = request;
  if (readLease(scope, owner.name)?.fence !== owner.fence) return { held: false, tasks: [], wakeAt: null };
  const tasks = claimUnder(scope, request);
  return { held: true, tasks, wakeAt: wakeAt(scope, request, scope.now()) };
}

/** Claims for an owner whose lease is surely its own: it was looked at, or is taken in this write. */
export function claimUnder(scope: SqlScope, request: ClaimRequest): readonly ClaimedTask[] {
  const now = scope.now();
  advanceTime(scope, now);
  const { rooms } = roomsOf(scope, request, now);
  const claim = new Claim(scope, request, rooms, now);
  claim.fill();
  takeRates(scope, claim, rooms, now);
  return start(scope, request, claim.taken, now);
}

function wakeAt(scope: SqlScope, request: ClaimRequest, now: number): number | null {
  const at = (sql: string): number | null => integerOrNull(scope.sql(sql).get() ?? { at: null }, "at");
  return [at(NEXT_DUE), at(NEXT_DEADLINE), roomsOf(scope, request, now).rateAt].reduce(earliest, null);
}

function hasWork(scope: SqlScope, request: ClaimRequest, now: number): boolean {
  const { rooms } = roomsOf(scope, request, now);
  return (
    readReady(scope, rooms, 1).length > 0 ||
    scope.sql(DUE).get({ now, limit: 1 }) !== undefined ||
    scope.sql(EXPIRED_DEADLINES).get({ now, limit: 1 }) !== undefined
  );
}

/** See `AttemptStore.claimTasks`. It looks before it asks for the lock: an idle engine writes nothing. */
export async function claimTasks(session: Session, request: ClaimRequest): Promise<ClaimAnswer> {
  if (request.expectWork === true) return await session.write(() => claimInWrite(session, request));
  const idle = await session.snapshot((): ClaimAnswer | null => {
    const now = session.now();
    if (hasWork(session, request, now)) return null;
    const held = readLease(session, request.owner.name)?.fence === request.owner.fence;
    return { held, tasks: [], wakeAt: wakeAt(session, request, now) };
  });
  return idle ?? (await session.write(() => claimInWrite(session, request)));
}
