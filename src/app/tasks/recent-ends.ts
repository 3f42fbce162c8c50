/** How fast tasks end, by type, counted from the feed of events. */
import type { EndedTaskState } from "../../domain/task.js";
import type { Store } from "../../store/store.js";

/** Ends of the last so long are counted; milliseconds. */
const WINDOW_MS = 60_000;
/** How far back the feed is read at most, in sequences, and how many ends of it are counted. */
const BACK = 20_000;
const MOST = 2_000;

export interface RecentEnds {
  /** What was really looked at: less than a minute when very many ended. At least one millisecond. */
  readonly windowMs: number;
  /** Of removed tasks nobody knows the type any more: they are left out. */
  readonly byType: ReadonlyMap<string, { readonly ended: number; readonly failed: number }>;
}

export async function recentEnds(store: Store): Promise<RecentEnds> {
  const [last, now] = await Promise.all([store.events.lastSequence(), store.now()]);
  const read = await store.events.readEvents(Math.max(0, last - BACK), { types: ["task.finished"] }, BACK);
  const ends = read.filter(({ at }) => at > now - WINDOW_MS).slice(-MOST);
  const [oldest] = ends;
  const all = ends.length < MOST && (ends.length < read.length || last <= BACK);
  const windowMs = all || oldest === undefined ? WINDOW_MS : Math.max(1, now - oldest.at);
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
