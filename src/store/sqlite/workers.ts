import type { JsonValue } from "../../domain/canonical-json.js";
import { type Lease, pidOf, typesOfPurpose } from "../../domain/lease.js";
import { OWNER_LEASES, type Worker } from "../../domain/worker.js";
import type { AttemptWrite } from "../attempt-store.js";
import type { OwnedTask, OwnerView, WorkerStore } from "../worker-store.js";
import type { SqlRow } from "./driver.js";
import { LEASES_BY_PREFIX } from "./leases.js";
import { CLAIM_LEASE } from "./owners.js";
import { integer, leaseFromRow, text, textOrNull } from "./rows.js";
import type { Session, SqlScope } from "./session.js";
import { refuseWrite } from "./task-ends.js";
import { handOff } from "./task-hand-off.js";
import { typesIn } from "./task-queries.js";
import { reclaim } from "./task-reclaim.js";
import { claimForWorker } from "./worker-claims.js";
import { enrolWorker, HELD, leaseOfOwner, limitOfHeld, readWorkers } from "./worker-records.js";

export const RUNNING = `
  SELECT id, type, seq, attempt, fence, owner, started_at, progress FROM tasks WHERE type = $type AND state = 'running'`;
export const GUARD = "SELECT seq, attempt FROM tasks WHERE id = $id AND fence = $fence";
/** Never shortens it: a sign of life does not bring the end nearer, nor does it put off the end of the attempt's time. */
export const PROLONG = `
  UPDATE leases SET expires_at = max(expires_at, $expires_at) WHERE name = $name AND fence = $fence
    AND holder_host IS NOT NULL
  RETURNING *`;

function runningByOwner(scope: SqlScope): ReadonlyMap<number, readonly OwnedTask[]> {
  const rows = typesIn(scope).flatMap((type) => scope.sql(RUNNING).all({ type }));
  const byOwner = new Map<number, OwnedTask[]>();
  for (const row of [...rows].sort((a, b) => integer(a, "seq") - integer(b, "seq"))) {
    const owner = integer(row, "owner");
    const owned = byOwner.get(owner) ?? [];
    byOwner.set(owner, owned);
    const progress = textOrNull(row, "progress");
    owned.push({
      id: text(row, "id"),
      type: text(row, "type"),
      attempt: integer(row, "attempt"),
      fence: integer(row, "fence"),
      startedAt: integer(row, "started_at"),
      progress: progress === null ? null : (JSON.parse(progress) as JsonValue),
    });
  }
  return byOwner;
}

function listWorkers(scope: SqlScope): readonly OwnerView[] {
  const leases = OWNER_LEASES.flatMap((prefix) => scope.sql(LEASES_BY_PREFIX).all({ prefix }))
    .flatMap((row) => leaseFromRow(row) ?? [])
    .sort((a, b) => a.fence - b.fence);
  const workers = readWorkers(
    scope,
    leases.map(({ fence }) => fence),
  );
  const running = runningByOwner(scope);
  return leases.map((lease) => {
    const tasks = running.get(lease.fence) ?? [];
    const worker = workers.get(lease.fence);
    return worker === undefined ? viewOfEngine(lease, tasks) : { ...named(worker), lease, tasks };
  });
}

const named = ({ owner, agentId, session, kind, types, workspace, pid, startedAt }: Worker) => {
  return { owner, agentId, session, kind, types, workspace, pid, startedAt };
};

const viewOfEngine = (lease: Lease, tasks: readonly OwnedTask[]): OwnerView => ({
  owner: lease.fence,
  lease,
  agentId: null,
  session: null,
  kind: "engine",
  types: typesOfPurpose(lease.purpose),
  workspace: null,
  pid: pidOf(lease.holder),
  startedAt: lease.acquiredAt,
  tasks,
});

type Beat = Parameters<WorkerStore["heartbeat"]>[0];

function heartbeat(scope: SqlScope, { taskId, fence, ttlMs }: Beat): AttemptWrite<Lease> {
  const found = scope.sql(HELD).get({ id: taskId, fence });
  const lease = found === undefined ? null : keptLease(scope, found, ttlMs);
  return lease === null ? refuseWrite(scope, { taskId, fence }, "heartbeat") : { written: true, value: lease };
}

/** The lease of whoever has the task, longer now when it is a claim's. */
function keptLease(scope: SqlScope, held: SqlRow, ttlMs: number): Lease | null {
  const owner = integer(held, "owner");
  const claim = scope.sql(CLAIM_LEASE).get({ owner });
  if (claim === undefined) return leaseOfOwner(scope, owner);
  const until = Math.min(scope.now() + ttlMs, limitOfHeld(held)?.at ?? Number.POSITIVE_INFINITY);
  const row = scope.sql(PROLONG).get({ name: text(claim, "lease"), fence: owner, expires_at: until });
  return row === undefined ? null : leaseFromRow(row);
}

export function sqliteWorkers(session: Session): WorkerStore {
  return {
    enrol: (request) => session.write(() => enrolWorker(session, request)),
    listWorkers: () => session.snapshot(() => listWorkers(session)),
    workersByOwner: (owners) => session.read(() => readWorkers(session, owners)),
    claimForWorker: (request) => claimForWorker(session, request),
    heartbeat: (beat) => session.write(() => heartbeat(session, beat)),
    handOff: (request) => session.write(() => handOff(session, request)),
    reclaim: (request) => session.write(() => reclaim(session, request)),
    findGuard: (taskId, fence) =>
      session.read(() => {
        const row = session.sql(GUARD).get({ id: taskId, fence });
        return row === undefined
          ? null
          : { taskId, fence, sequence: integer(row, "seq"), attempt: integer(row, "attempt") };
      }),
  };
}
