/** Tasks that ended long ago. */
import { ENDED_TASK_STATES } from "../../domain/task.js";
import type { GcPolicy } from "../store.js";
import { integer, integerOrNull, text } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";
import { typesIn } from "./task-queries.js";
import { removeTask } from "./tasks.js";

const CHUNK = 500;

/** In the order of submission, which is nearly that of ends. */
export const ENDED_TASKS = `
  SELECT seq, id, ended_at FROM tasks WHERE type = $type AND state = $state AND seq > $after ORDER BY seq ${LIMIT}`;

interface Step {
  readonly removed: number;
  /** Null when no older ones can follow. */
  readonly after: number | null;
}

function collectChunk(session: Session, type: string, state: string, after: number, policy: GcPolicy): Step {
  const rows = session.sql(ENDED_TASKS).all({ type, state, after, limit: CHUNK });
  const old = rows.filter((row) => (integerOrNull(row, "ended_at") ?? policy.endedBefore) < policy.endedBefore);
  if (!policy.dryRun) for (const row of old) removeTask(session, text(row, "id"));
  const last = rows.length < CHUNK || old.length === 0 ? undefined : rows.at(-1);
  return { removed: old.length, after: last === undefined ? null : integer(last, "seq") };
}

/** @returns how many tasks ended before the policy's time and went, in small transactions; or would go. */
export async function collectTasks(session: Session, policy: GcPolicy): Promise<number> {
  let removed = 0;
  for (const type of await session.read(() => typesIn(session))) {
    for (const state of ENDED_TASK_STATES) {
      let after: number | null = 0;
      while (after !== null) {
        const from: number = after;
        const step = (): Step => collectChunk(session, type, state, from, policy);
        const done: Step = await (policy.dryRun ? session.read(step) : session.write(step));
        removed += done.removed;
        after = done.after;
      }
    }
  }
  return removed;
}
