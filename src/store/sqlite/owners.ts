/** What owners hold, and how it is taken from them. */
import type { AttemptSignalKind } from "../../domain/attempt.js";
import { ENGINE_LEASES, type Lease, pidOf } from "../../domain/lease.js";
import { plainFailure } from "../../domain/task.js";
import { holdsOneAttempt, OWNER_KINDS } from "../../domain/worker.js";
import type { Owner, TakenBack } from "../attempt-store.js";
import { readLease, vacateLease } from "./leases.js";
import { text } from "./rows.js";
import type { SqlScope } from "./session.js";
import { sqlList } from "./statements.js";
import { fateOf, loseAttempt } from "./task-moves.js";
import { typesIn } from "./task-queries.js";
import { type TaskRow, toTaskRow } from "./task-rows.js";
import { readWorkers } from "./worker-records.js";

/** What runs is little beside what waits and what has ended, and is found by its type. */
export const OWNED = "SELECT * FROM tasks WHERE type = $type AND state = 'running' AND owner = $owner";

export const ownedBy = (scope: SqlScope, owner: number): readonly TaskRow[] =>
  typesIn(scope).flatMap((type) => scope.sql(OWNED).all({ type, owner }).map(toTaskRow));

const OF_ONE_ATTEMPT = `kind IN (${sqlList(OWNER_KINDS.filter(holdsOneAttempt))})`;

/** The lease of a worker that was there for one attempt. */
export const CLAIM_LEASE = `SELECT lease FROM workers WHERE owner = $owner AND left_at IS NULL AND ${OF_ONE_ATTEMPT}`;
/** The same for each of many tasks that are about to end. */
export const CLAIM_LEASES = `
  SELECT workers.owner, workers.lease FROM json_each($seqs) AS ended
  CROSS JOIN tasks ON tasks.seq = ended.value
  CROSS JOIN workers ON workers.owner = tasks.owner AND workers.left_at IS NULL AND workers.${OF_ONE_ATTEMPT}`;

/**
 * Gives back the lease of a claim, whose attempt is over.
 *
 * @param row as it was while it ran
 * @returns false when its owner was no claim, and has its lease still
 */
export function vacateClaim(scope: SqlScope, row: Pick<TaskRow, "owner">): boolean {
  const found = row.owner === null ? undefined : scope.sql(CLAIM_LEASE).get({ owner: row.owner });
  if (found === undefined || row.owner === null) return false;
  giveUp(scope, { name: text(found, "lease"), fence: row.owner });
  return true;
}

/** Gives back a lease, and forgets what its holder was to be told. */
export function giveUp(scope: SqlScope, { name, fence }: Owner): void {
  vacateLease(scope, name, fence);
  scope.sql("DELETE FROM task_signals WHERE owner = $owner").run({ owner: fence });
}

const isEngine = (lease: Lease): boolean => lease.name.startsWith(ENGINE_LEASES);

/** See `AttemptStore.takeBack`. */
export function takeBack(
  scope: SqlScope,
  owner: Owner,
  provedDead: boolean,
  quarantineAfter: number,
): TakenBack | null {
  const lease = readLease(scope, owner.name);
  if (lease?.fence !== owner.fence || !(provedDead || lease.expiresAt <= scope.now())) return null;
  const counts = { queued: 0, quarantined: 0, cancelled: 0 };
  const failure = plainFailure("lost", describeLoss(scope, lease));
  for (const row of ownedBy(scope, owner.fence)) {
    counts[fateOf(loseAttempt(scope, row, { failure, crashed: row.begun, quarantineAfter }))] += 1;
  }
  giveUp(scope, owner);
  return counts;
}

function describeLoss(scope: SqlScope, lease: Lease): string {
  const { holder, fence } = lease;
  const pid = isEngine(lease) ? pidOf(holder) : (readWorkers(scope, [fence]).get(fence)?.pid ?? null);
  if (pid === null) return `Its worker on ${holder.host} gave no sign of life before its lease was over.`;
  return `Its ${isEngine(lease) ? "engine" : "worker"}, process ${pid} of ${holder.host}, died or was stopped.`;
}

/** Cancels, forgets or takes a running attempt from outside: leaves word for its owner. */
export function signalOwner(scope: SqlScope, row: Pick<TaskRow, "owner" | "fence">, signal: AttemptSignalKind): void {
  scope
    .sql(
      `INSERT INTO task_signals (owner, fence, signal) VALUES ($owner, $fence, $signal)
       ON CONFLICT DO UPDATE SET signal = excluded.signal`,
    )
    .run({ owner: row.owner, fence: row.fence, signal });
}
