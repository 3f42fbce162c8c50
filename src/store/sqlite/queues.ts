import { nextStartAt, type RateLimit } from "../../domain/rate-limit.js";
import type { Queue, QueueLimits, QueueState, QueueStore } from "../queue-store.js";
import type { SqlParams, SqlRow } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { integer, integerOrNull, text } from "./rows.js";
import type { Session, SqlScope } from "./session.js";
import { openKeysOf } from "./task-gates.js";

export interface StoredQueue extends Queue {
  /** When the bucket of its rate is full again; epoch milliseconds with a fraction. */
  readonly rateFilledAt: number;
}

const SET_LIMITS = `
  INSERT INTO queues (type, concurrency, key_concurrency, rate_max, rate_per_ms, key_rate_max, key_rate_per_ms)
  VALUES ($type, $concurrency, $key_concurrency, $rate_max, $rate_per_ms, $key_rate_max, $key_rate_per_ms)
  ON CONFLICT DO UPDATE SET concurrency = excluded.concurrency, key_concurrency = excluded.key_concurrency,
    rate_max = excluded.rate_max, rate_per_ms = excluded.rate_per_ms,
    key_rate_max = excluded.key_rate_max, key_rate_per_ms = excluded.key_rate_per_ms`;

const PAUSE = `
  INSERT INTO queues (type, paused) VALUES ($type, $paused)
  ON CONFLICT DO UPDATE SET paused = excluded.paused RETURNING *`;

function rateFrom(row: SqlRow, name: "rate" | "key_rate"): RateLimit | null {
  const max = integerOrNull(row, `${name}_max`);
  return max === null ? null : { max, perMs: integer(row, `${name}_per_ms`) };
}

const queueFromRow = (row: SqlRow): StoredQueue => ({
  type: text(row, "type"),
  paused: row.paused === 1,
  concurrency: integerOrNull(row, "concurrency"),
  keyConcurrency: integer(row, "key_concurrency"),
  rate: rateFrom(row, "rate"),
  keyRate: rateFrom(row, "key_rate"),
  rateFilledAt: integer(row, "rate_filled_at"),
});

/** What is set, by type. A few rows: one for each type that has limits. */
export const readQueues = (scope: SqlScope): ReadonlyMap<string, StoredQueue> =>
  new Map(
    scope
      .sql("SELECT * FROM queues")
      .all()
      .map((row) => [text(row, "type"), queueFromRow(row)]),
  );

const limitParams = (limits: QueueLimits): SqlParams => ({
  type: limits.type,
  concurrency: limits.concurrency,
  key_concurrency: limits.keyConcurrency,
  rate_max: limits.rate?.max ?? null,
  rate_per_ms: limits.rate?.perMs ?? null,
  key_rate_max: limits.keyRate?.max ?? null,
  key_rate_per_ms: limits.keyRate?.perMs ?? null,
});

const UNSET: SqlParams = limitParams({ type: "", concurrency: null, keyConcurrency: 1, rate: null, keyRate: null });

/** The limits that are not what the store has. */
function changed(scope: SqlScope, limits: readonly QueueLimits[]): readonly QueueLimits[] {
  const known = readQueues(scope);
  return limits.filter((wanted) => {
    const found = known.get(wanted.type);
    const have = found === undefined ? { ...UNSET, type: wanted.type } : limitParams(found);
    return Object.entries(limitParams(wanted)).some(([name, value]) => have[name] !== value);
  });
}

const toQueue = ({ rateFilledAt: _, ...queue }: StoredQueue): Queue => queue;

function toState(stored: StoredQueue, now: number): QueueState {
  const next = stored.rate === null ? now : nextStartAt(stored.rate, stored.rateFilledAt, now);
  return { ...toQueue(stored), nextStartAt: next > now ? next : null };
}

export function sqliteQueues(session: Session): QueueStore {
  return {
    async setQueueLimits(limits) {
      const differs = await session.read(() => changed(session, limits).length > 0);
      if (!differs) return;
      await session.write(() => {
        for (const limit of changed(session, limits)) {
          session.sql(SET_LIMITS).run(limitParams(limit));
          openKeysOf(session, limit.type);
        }
      });
    },
    pauseQueue: (type, paused) =>
      session.write(() => {
        const row = session.sql(PAUSE).get({ type, paused: paused ? 1 : 0 }) ?? {};
        appendEvent(session, { type: paused ? "queue.paused" : "queue.resumed", subject: type });
        return toQueue(queueFromRow(row));
      }),
    listQueues: () =>
      session.read(() => {
        const now = session.now();
        const queues = [...readQueues(session).values()].map((queue) => toState(queue, now));
        return queues.sort((a, b) => (a.type < b.type ? -1 : 1));
      }),
  };
}
