/** Whoever holds leases under which tasks are executed: who that is, and whether it lives. */
import type { Lease } from "../../domain/lease.js";
import { livenessOf } from "../../machines/process-identity.js";
import type { Store } from "../../store/store.js";
import type { OwnerView } from "../../store/worker-store.js";

/** Neither proved dead nor past its lease. */
export const isAlive = ({ holder, expiresAt }: Lease, now: number): boolean =>
  expiresAt > now && livenessOf(holder) !== "dead";

/** `pid 4711 on host7`, as people name a process; the host alone where there is none. */
export function processName(pid: number | null, { holder }: Pick<Lease, "holder">): string {
  return pid === null ? holder.host : `pid ${pid} on ${holder.host}`;
}

/** `engine pid 4711 on host7`; of a worker first who it says to be. */
export const ownerName = ({ kind, agentId, session, pid, lease }: OwnerView): string =>
  agentId === null
    ? `engine ${processName(pid, lease)}`
    : `${agentId} (${kind}, ${processName(pid, lease)}, session ${session ?? "unknown"})`;

/** Null when nobody has it, or whoever had it is not known any more. */
export async function ownerByFence(store: Store, owner: number | null): Promise<OwnerView | null> {
  if (owner === null) return null;
  return (await store.workers.listWorkers()).find((one) => one.owner === owner) ?? null;
}
