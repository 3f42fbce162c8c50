/** How fast tasks end, by type, counted from the feed of events. */
import type { EndedTaskState } from "../../domain/task.js";
import type { Store } from "../../store/store.js";

/** Ends of the last so long are counted; milliseconds. */
const WINDOW_MS = 60_000;
/** How far back the feed is read at most, in sequences: a busy store has much more in a minute than is worth a look a second. */
const BACK = 5_000;

export interface RecentEnds {
  /** What was really looked at: less than a minute when very much happened. At least one millisecond. */
  readonly windowMs: number;
  /** Of removed tasks nobody knows the type any more: they are left out. */
  readonly byType: ReadonlyMap<string, { readonly ended: number; readonly failed: number }>;
}

export async function recentEnds(store: Store): Promise<RecentEnds> {
  const [last, now] = await Promise.all([store.events.lastSequence(), store.now()]);
  const from = Math.max(0, last - BACK);
  const [[oldest], read] = await Promise.all([
    store.events.readEvents(from, {}, 1),
    store.events.readEvents(from, { types: ["task.finished"] }, BACK),
  ]);
  const seenMs = from === 0 || oldest === undefined ? WINDOW_MS : now - oldest.at;
  const windowMs = Math.max(1, Math.min(WINDOW_MS, seenMs));
  const ends = read.filter(({ at }) => at >= now - windowMs);
  const tasks = await store.tasks.getTasks([...new Set(ends.map(({ subject }) => subject))]);
  const byType = new Map<string, { ended: number; failed: number }>();
  for (const { subject, data } of ends) {
    const type = tasks.get(subject)?.type;
    if (type === undefined) continue;
    const counts = byType.get(type) ?? { ended: 0, failed: 0 };
    counts.ended += 1;
    if (data.state === ("failed" satisfies EndedTaskState)) counts.failed += 1;
    byType.set(type, counts);
  }
  return { windowMs, byType };
}
