/** A reader of the feed that knows nothing of how the store decides: what it finds there is what anybody could find. */
import type { EventStore } from "../../src/store/event-store.js";

const PAGE = 5_000;

interface Seen {
  /** The fence of the attempt that runs. */
  running: number | null;
  /** That of the newest attempt. */
  newest: number;
  wins: number;
}

/**
 * What is wrong with the attempts of the tasks `ids`, as sentences: at most one runs at a time, each under a larger fence
 * than all before, each ends once under its own, none is left, and one brings its task to its end.
 */
export async function faultsInFeed(
  events: Pick<EventStore, "readEvents">,
  ids: ReadonlySet<string>,
): Promise<string[]> {
  const seen = new Map<string, Seen>([...ids].map((id) => [id, { running: null, newest: 0, wins: 0 }]));
  const faults: string[] = [];
  for (let after = 0; ; ) {
    const page = await events.readEvents(after, {}, PAGE);
    for (const { type, subject, data, sequence } of page) {
      after = sequence;
      const task = seen.get(subject);
      if (task !== undefined)
        faults.push(...step(task, type, Number(data.fence)).map((what) => `${subject} ${what} (event ${sequence})`));
    }
    if (page.length < PAGE) break;
  }
  for (const [id, { running, wins }] of seen) {
    if (running !== null) faults.push(`${id} still runs under ${running}`);
    if (wins !== 1) faults.push(`${id} ended ${wins} times`);
  }
  return faults;
}

function step(task: Seen, type: string, fence: number): string[] {
  const faults: string[] = [];
  if (type === "task.started") {
    if (task.running !== null) faults.push(`began under ${fence} while it ran under ${task.running}`);
    if (fence <= task.newest) faults.push(`began under ${fence} after ${task.newest}`);
    task.running = fence;
    task.newest = fence;
  }
  if (type === "task.attempt_ended" || type === "task.handed_off" || type === "task.finished") {
    if (task.running !== fence) faults.push(`ended under ${fence} while it ran under ${task.running}`);
    task.running = null;
  }
  if (type === "task.finished") task.wins += 1;
  return faults;
}
