/** `tasks stats` and `tasks top`: how the queues stand, who takes from them, how fast. */
import { setTimeout as pause } from "node:timers/promises";
import { durationMs, toMaybeTime, toTime } from "../../contracts/fields.js";
import type { EngineView, TaskStatsView, TypeStatsView } from "../../contracts/task-queues.js";
import { ENGINE_LEASES } from "../../domain/lease.js";
import type { Task } from "../../domain/task.js";
import type { QueueState } from "../../store/queue-store.js";
import type { Store } from "../../store/store.js";
import type { TypeStats } from "../../store/task-store.js";
import type { CallHandler, StreamHandler } from "../context.js";
import { enginesFor, type KnownEngine, knownEngines } from "./live-engines.js";
import { type RecentEnds, recentEnds } from "./recent-ends.js";

/** How many running tasks are looked at, and named of each engine. */
const MOST_RUNNING = 1_000;
const NAMED = 20;

export const taskStats: CallHandler<"tasks.stats"> = async (context) => await readStats(await context.store());

export const topTasks: StreamHandler<"tasks.top"> = async function* (context, input, options) {
  const store = await context.store();
  const everyMs = durationMs(input.every) ?? 0;
  while (options.signal?.aborted !== true) {
    yield await readStats(store);
    if (input.once) return;
    // An abort ends the pause, and then the loop.
    await pause(everyMs, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      () => undefined,
    );
  }
};

async function readStats(store: Store): Promise<TaskStatsView> {
  const [now, stats, queues, engines, ends, running] = await Promise.all([
    store.now(),
    store.tasks.taskStats(),
    store.queues.listQueues(),
    knownEngines(store),
    recentEnds(store),
    store.tasks.listTasks({ states: ["running"] }, { limit: MOST_RUNNING }),
  ]);
  const queueOf = new Map(queues.map((queue) => [queue.type, queue]));
  return {
    at: toTime(now),
    window_ms: ends.windowMs,
    types: stats.map((one) => toTypeView(one, queueOf.get(one.type), engines, ends)),
    engines: engines.map((engine) => toEngineView(engine, running)),
  };
}

function toTypeView(
  stats: TypeStats,
  queue: QueueState | undefined,
  engines: readonly KnownEngine[],
  { windowMs, byType }: RecentEnds,
): TypeStatsView {
  const ends = byType.get(stats.type) ?? { ended: 0, failed: 0 };
  const perMinute = (count: number): number => Math.round(((count * 60_000) / windowMs) * 10) / 10;
  return {
    type: stats.type,
    states: { ...stats.states },
    oldest_queued_at: toMaybeTime(stats.oldestQueuedAt),
    paused: queue?.paused ?? false,
    concurrency: queue?.concurrency ?? null,
    next_start_at: toMaybeTime(queue?.nextStartAt ?? null),
    engines: enginesFor(engines, stats.type).length,
    ended_per_minute: perMinute(ends.ended),
    failed_per_minute: perMinute(ends.failed),
  };
}

function toEngineView({ lease, pid, types, alive }: KnownEngine, running: readonly Task[]): EngineView {
  const own = running.filter(({ owner }) => owner === lease.fence);
  const longest = [...own].sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0)).slice(0, NAMED);
  return {
    id: lease.name,
    kind: lease.name.startsWith(ENGINE_LEASES) ? "engine" : "work",
    pid,
    host: lease.holder.host,
    since: toTime(lease.acquiredAt),
    alive,
    types: [...types],
    running: own.length,
    tasks: longest.map(({ id, type, attempt, startedAt }) => ({
      id,
      type,
      attempt,
      started_at: toTime(startedAt ?? 0),
    })),
  };
}
