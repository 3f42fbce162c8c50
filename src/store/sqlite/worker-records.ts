/** Who holds, or held, the leases of owners. */
import { type AttemptLimit, limitOf } from "../../domain/attempt-limit.js";
import { WaybillError } from "../../domain/errors.js";
import { ENGINE_LEASES, type Lease } from "../../domain/lease.js";
import { type Worker, type WorkerKind, workerPurpose } from "../../domain/worker.js";
import type { ClaimedTask } from "../attempt-store.js";
import type { WorkerRequest } from "../worker-store.js";
import type { SqlRow } from "./driver.js";
import { LEASES_BY_PREFIX, readLease, takeLease } from "./leases.js";
import { integer, integerOrNull, leaseFromRow, text, textOrNull } from "./rows.js";
import type { SqlScope } from "./session.js";

export const WORKERS_BY_OWNER = "SELECT * FROM workers WHERE owner IN (SELECT value FROM json_each($owners))";
const INSERT = `
  INSERT INTO workers (owner, lease, agent_id, session, kind, types, workspace, pid, started_at)
  VALUES ($owner, $lease, $agent_id, $session, $kind, $types, $workspace, $pid, $now)`;

/** Who has a task under a fence, and what bounds that. */
export const HELD = "SELECT owner, started_at, timeout_ms, deadline_at FROM tasks WHERE id = $id AND fence = $fence";

export const limitOfHeld = (held: SqlRow): AttemptLimit | null =>
  limitOf(
    { timeoutMs: integerOrNull(held, "timeout_ms"), deadlineAt: integerOrNull(held, "deadline_at") },
    integer(held, "started_at"),
  );

const END_BY = "UPDATE leases SET expires_at = $until WHERE name = $name AND fence = $fence";

const workerFromRow = (row: SqlRow): Worker => ({
  owner: integer(row, "owner"),
  lease: text(row, "lease"),
  agentId: text(row, "agent_id"),
  session: text(row, "session"),
  kind: row.kind as WorkerKind,
  types: JSON.parse(text(row, "types")) as string[],
  workspace: textOrNull(row, "workspace"),
  pid: integerOrNull(row, "pid"),
  startedAt: integer(row, "started_at"),
  leftAt: integerOrNull(row, "left_at"),
});

/** Whoever held the leases of these fences; engines are not among them. */
export function readWorkers(scope: SqlScope, owners: readonly number[]): ReadonlyMap<number, Worker> {
  const rows = scope.sql(WORKERS_BY_OWNER).all({ owners: JSON.stringify(owners) });
  return new Map(rows.map(workerFromRow).map((worker) => [worker.owner, worker]));
}

/** See `WorkerStore.enrol`. To be called inside a write, which it undoes by what it throws. */
export function enrolWorker(scope: SqlScope, request: WorkerRequest): Lease {
  const { name, holder, ttlMs, agentId, session, kind, types, workspace, pid } = request;
  const { won, lease } = takeLease(scope, { name, holder, ttlMs, purpose: workerPurpose(request) });
  if (!won) {
    throw new WaybillError("invalid_state", `The lease ${name} is held already; every worker needs one of its own.`, {
      details: { name, fence: lease.fence },
    });
  }
  scope.sql(INSERT).run({
    owner: lease.fence,
    lease: name,
    agent_id: agentId,
    session,
    kind,
    types: JSON.stringify(types),
    workspace,
    pid,
    now: scope.now(),
  });
  return lease;
}

/**
 * The lease of a claim ends with the time of its attempt: nobody else would end that. Whoever supervises a process keeps the
 * time itself, and its lease as long as it needs.
 */
export function limitLease(scope: SqlScope, { kind }: WorkerRequest, lease: Lease, { id, fence }: ClaimedTask): Lease {
  const held = kind === "claim" ? scope.sql(HELD).get({ id, fence }) : undefined;
  const limit = held === undefined ? null : limitOfHeld(held);
  if (limit === null || limit.at >= lease.expiresAt) return lease;
  scope.sql(END_BY).run({ name: lease.name, fence: lease.fence, until: limit.at });
  return { ...lease, expiresAt: limit.at };
}

/** The lease of whoever has this fence for an owner; null when nobody has it any more. */
export function leaseOfOwner(scope: SqlScope, owner: number): Lease | null {
  const worker = readWorkers(scope, [owner]).get(owner);
  if (worker !== undefined) {
    const lease = readLease(scope, worker.lease);
    return lease?.fence === owner ? lease : null;
  }
  const engines = scope.sql(LEASES_BY_PREFIX).all({ prefix: ENGINE_LEASES });
  return engines.flatMap((row) => leaseFromRow(row) ?? []).find(({ fence }) => fence === owner) ?? null;
}
