/** `workers list`, `show` and `watch`: who executes tasks, by their leases. */
import { setTimeout as pause } from "node:timers/promises";
import { durationMs, toTime } from "../../contracts/fields.js";
import type { WorkersFrame, WorkerView } from "../../contracts/workers.js";
import { WaybillError } from "../../domain/errors.js";
import type { Store } from "../../store/store.js";
import type { OwnerView } from "../../store/worker-store.js";
import type { CallHandler, StreamHandler } from "../context.js";
import { isAlive } from "./present-owners.js";

/** How many candidates an error names. */
const NAMED = 5;

export const listWorkers: CallHandler<"workers.list"> = async (context) => await readFrame(await context.store());

export const showWorker: CallHandler<"workers.show"> = async (context, { id }) => {
  const { workers } = await readFrame(await context.store());
  const [only, ...others] = search(workers, id);
  if (only === undefined) {
    throw new WaybillError("worker_not_found", `There is no worker ${JSON.stringify(id)} just now.`, {
      hint: "`waybill workers list` shows who is there; `waybill tasks show` says who executed what before.",
      details: { id },
    });
  }
  if (others.length === 0) return only;
  const candidates = [only, ...others].slice(0, NAMED).map((worker) => worker.id);
  throw new WaybillError("ambiguous_id", `${JSON.stringify(id)} could be any of ${others.length + 1} workers.`, {
    hint: `Give the name of its lease: ${candidates.join(", ")}${others.length + 1 > NAMED ? ", ..." : ""}`,
    details: { id, candidates },
  });
};

export const watchWorkers: StreamHandler<"workers.watch"> = async function* (context, input, { signal }) {
  const store = await context.store();
  const everyMs = durationMs(input.every) ?? 0;
  while (signal?.aborted !== true) {
    yield await readFrame(store);
    if (input.once) return;
    // An abort ends the pause, and then the loop.
    await pause(everyMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
};

/** What it is called in full goes before what begins so. */
function search(workers: readonly WorkerView[], id: string): readonly WorkerView[] {
  const exact = workers.filter(
    ({ id: lease, agent_id: agentId, session, tasks }) =>
      [lease, agentId, session].includes(id) || tasks.some((task) => task.id === id),
  );
  if (exact.length > 0) return exact;
  return workers.filter(({ id: lease }) => lease.startsWith(id) || lease.slice(lease.indexOf("/") + 1).startsWith(id));
}

async function readFrame(store: Store): Promise<WorkersFrame> {
  const [owners, now] = [await store.workers.listWorkers(), await store.now()];
  return { at: toTime(now), workers: owners.map((owner) => toWorkerView(owner, now)) };
}

function toWorkerView(owner: OwnerView, now: number): WorkerView {
  const { lease, tasks } = owner;
  const { holder, expiresAt, fence } = lease;
  return {
    id: lease.name,
    kind: owner.kind,
    agent_id: owner.agentId,
    session: owner.session,
    pid: owner.pid,
    host: holder.host,
    workspace: owner.workspace,
    types: [...owner.types],
    since: toTime(owner.startedAt),
    fence,
    alive: isAlive(lease, now),
    lease_expires_at: toTime(expiresAt),
    lease_left_ms: Math.max(0, expiresAt - now),
    tasks: tasks.map(({ startedAt, ...task }) => ({ ...task, started_at: toTime(startedAt) })),
  };
}
