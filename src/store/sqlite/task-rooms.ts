/** How much of what waits may begin now: pauses, limits and rates of queues and keys. */
import { afterStarts, availableStarts, nextStartAt, type RateLimit } from "../../domain/rate-limit.js";
import type { ClaimRequest } from "../attempt-store.js";
import type { Queue } from "../queue-store.js";
import { readQueues } from "./queues.js";
import { integer } from "./rows.js";
import type { SqlScope } from "./session.js";
import type { TaskRow } from "./task-rows.js";

export const RUNNING_OF_TYPE = "SELECT count(*) AS n FROM tasks WHERE type = $type AND state = 'running'";

type Rated = Pick<TaskRow, "seq" | "type" | "concurrency_key" | "rate_reserved">;

export interface Room {
  readonly queue: Queue | null;
  left: number;
}

/** How many tasks of each type may begin now, without those that may not; and when a rate lets the next through. */
export function roomsOf(
  scope: SqlScope,
  request: Pick<ClaimRequest, "types">,
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

export const earliest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

function concurrencyLeft(scope: SqlScope, queue: Queue | null): number {
  if (queue === null || queue.concurrency === null) return Number.POSITIVE_INFINITY;
  return queue.concurrency - integer(scope.sql(RUNNING_OF_TYPE).get({ type: queue.type }) ?? { n: 0 }, "n");
}

/** Gives a task that is too early for the rate of its key a place of its own later; it is due then, and not asked again. */
export function isHeldByRate(scope: SqlScope, row: Rated, queue: Queue | null, now: number): boolean {
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

function postpone(scope: SqlScope, row: Rated, runAt: number): void {
  const sql = "UPDATE tasks SET state = 'scheduled', run_at = $run_at, rate_reserved = 1 WHERE seq = $seq";
  scope.sql(sql).run({ seq: row.seq, run_at: runAt });
}

/** Counts the starts of a claim in the rates of their types. */
export function takeRates(
  scope: SqlScope,
  taken: readonly Rated[],
  rooms: ReadonlyMap<string, Room>,
  now: number,
): void {
  for (const [type, { queue }] of rooms) {
    if (queue?.rate == null) continue;
    const starts = taken.filter((row) => row.type === type).length;
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
