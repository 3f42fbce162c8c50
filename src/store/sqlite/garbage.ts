/** Removing what is finished and old, in transactions small enough that writers of other processes do not notice. */
import type { RemovalReason } from "../../domain/retention.js";
import type { GcPolicy, GcReport } from "../store.js";
import { removeWholeCache } from "./cache.js";
import { doomedRuns } from "./doomed-runs.js";
import { collectTasks } from "./doomed-tasks.js";
import { integer, text } from "./rows.js";
import { removeRun } from "./runs.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

const CHUNK = 500;

/**
 * Every event of a chunk, with whether what it tells of still exists: stories of what exists are kept whole. Those of a
 * run's lease (`run/ID`) belong to the run's.
 */
export const OLD_EVENTS = `
  SELECT sequence, at,
    EXISTS (SELECT 1 FROM runs WHERE id IN (subject, substr(subject, length('run/') + 1))) OR EXISTS (SELECT 1 FROM batches WHERE id = subject)
      OR EXISTS (SELECT 1 FROM tasks WHERE id = subject)
      OR EXISTS (SELECT 1 FROM leases WHERE name = subject AND holder_host IS NOT NULL) AS kept
  FROM events WHERE sequence > $after ORDER BY sequence ${LIMIT}`;
export const OLD_BATCHES = `
  SELECT id FROM batches WHERE created_at < $before
    AND NOT EXISTS (SELECT 1 FROM batch_items WHERE batch_id = batches.id AND state = 'queued')`;
const RUNS_OF_BATCH = "SELECT id FROM runs WHERE batch_id = $batch_id";

/** A dry run removes nothing, so that what is doomed for two reasons comes twice; it is told once, as it would go. */
async function collectRuns(session: Session, policy: GcPolicy): Promise<Map<string, RemovalReason>> {
  const removed = new Map<string, RemovalReason>();
  const most = policy.atMost ?? Number.POSITIVE_INFINITY;
  for await (const step of doomedRuns(session, policy, removed)) {
    const doomed = step.filter(({ runId }) => !removed.has(runId)).slice(0, most - removed.size);
    const remove = () => doomed.filter(({ runId }) => policy.dryRun || removeRun(session, runId));
    const done = policy.dryRun || doomed.length === 0 ? remove() : await session.write(remove);
    for (const { runId, reason } of done) removed.set(runId, reason);
    if (removed.size >= most) break;
  }
  return removed;
}

/** Batches without queued items whose runs are all among `gone`, or were removed earlier. */
async function collectBatches(session: Session, policy: GcPolicy, gone: ReadonlySet<string>): Promise<string[]> {
  const candidates = await session.read(() =>
    session
      .sql(OLD_BATCHES)
      .all({ before: policy.endedBefore })
      .map((row) => text(row, "id")),
  );
  const removed: string[] = [];
  for (let at = 0; at < candidates.length; at += CHUNK) {
    const step = (): void => {
      for (const id of candidates.slice(at, at + CHUNK)) {
        const left = session.sql(RUNS_OF_BATCH).all({ batch_id: id });
        if (left.some((row) => !gone.has(text(row, "id")))) continue;
        removed.push(id);
        if (policy.dryRun) continue;
        session.sql("DELETE FROM events WHERE subject = $id").run({ id });
        session.sql("DELETE FROM batches WHERE id = $id").run({ id });
      }
    };
    await (policy.dryRun ? session.read(step) : session.write(step));
  }
  return removed;
}

async function collectEvents(session: Session, { endedBefore, dryRun }: GcPolicy): Promise<number> {
  let removed = 0;
  let after: number | null = 0;
  while (after !== null) {
    const from: number = after;
    const step = (): number | null => {
      const rows = session.sql(OLD_EVENTS).all({ after: from, limit: CHUNK });
      const old = rows.filter((row) => integer(row, "at") < endedBefore);
      for (const row of old.filter((r) => r.kept === 0)) {
        removed += 1;
        if (!dryRun)
          session.sql("DELETE FROM events WHERE sequence = $sequence").run({ sequence: integer(row, "sequence") });
      }
      // Sequence and time grow together, so a chunk that is not all old is the last that can hold old ones.
      const last = old.length < CHUNK ? undefined : rows.at(-1);
      return last === undefined ? null : integer(last, "sequence");
    };
    after = await (dryRun ? session.read(step) : session.write(step));
  }
  return removed;
}

/** A chunk of the workers, with whether each has left long ago and nothing names it any more. */
export const OLD_WORKERS = `
  SELECT owner, ifnull(left_at < $before, 0)
    AND NOT EXISTS (SELECT 1 FROM worker_tasks WHERE owner = workers.owner) AS forgotten
  FROM workers WHERE owner > $after ORDER BY owner ${LIMIT}`;

/** What has left is given no task any more: what was read stays true until it is written. */
async function forgetWorkers(session: Session, { dryRun, endedBefore: before }: GcPolicy): Promise<void> {
  if (dryRun) return;
  for (let after: number | null = 0; after !== null; ) {
    const from: number = after;
    const rows = await session.read(() => session.sql(OLD_WORKERS).all({ after: from, before, limit: CHUNK }));
    const forgotten = rows.filter((row) => row.forgotten === 1).map((row) => integer(row, "owner"));
    const forget = "DELETE FROM workers WHERE owner = $owner";
    if (forgotten.length > 0) {
      await session.write(() => {
        for (const owner of forgotten) session.sql(forget).run({ owner });
      });
    }
    const last = rows.length < CHUNK ? undefined : rows.at(-1);
    after = last === undefined ? null : integer(last, "owner");
  }
}

/** The rate of a key that has been full for a while says nothing any more. */
async function forgetRates(session: Session, { dryRun }: GcPolicy): Promise<void> {
  const full = { now: session.now() };
  const some = await session.read(() =>
    session.sql("SELECT 1 FROM key_rates WHERE filled_at < $now LIMIT 1").get(full),
  );
  if (dryRun || some === undefined) return;
  await session.write(() => session.sql("DELETE FROM key_rates WHERE filled_at < $now").run(full));
}

/** See `Store.collectGarbage`. What is active is never touched: a run that has not ended has no end to be old. */
export async function collectGarbage(session: Session, policy: GcPolicy): Promise<GcReport> {
  const all = policy.only === undefined;
  const reasons = all ? await collectRuns(session, policy) : new Map<string, RemovalReason>();
  const runIds = [...reasons.keys()];
  const batchIds = all ? await collectBatches(session, policy, new Set(runIds)) : [];
  const tasks = await collectTasks(session, policy);
  await forgetWorkers(session, policy);
  await forgetRates(session, policy);
  return { runIds, reasons, batchIds, tasks, events: await collectEvents(session, policy) };
}

/** See `Store.claimSweep`. */
export const claimSweep = (session: Session, everyMs: number): Promise<boolean> =>
  session.write(() => {
    const now = session.now();
    const claim = "UPDATE counters SET value = $now WHERE name = 'sweep' AND value <= $latest RETURNING value";
    return session.sql(claim).get({ now, latest: now - everyMs }) !== undefined;
  });

const EMPTIED = [
  "runs",
  "batch_items",
  "batches",
  "tasks",
  "path_calls",
  "task_signals",
  "workers",
  "queues",
  "key_rates",
  "schedules",
  "readiness_gates",
  "leases",
  "events",
  "variables",
  "machines",
];

/** See `Store.reset`. Counters of what was given go on, so that fences and cursors from before the reset stay in the past. */
export const reset = (session: Session): Promise<void> =>
  session.write(() => {
    for (const table of EMPTIED) session.sql(`DELETE FROM ${table}`).run();
    removeWholeCache(session);
  });
