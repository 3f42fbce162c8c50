/** Whoever goes on to take tasks of a store: its engines, and workers that are left running; by their leases. */
import { ENGINE_LEASES, type Lease, type Liveness, type ProcessIdentity, typesOfPurpose } from "../../domain/lease.js";
import { OWNER_LEASES } from "../../domain/worker.js";
import { livenessOf } from "../../machines/process-identity.js";
import type { Store } from "../../store/store.js";
import { processName } from "../workers/present-owners.js";

export interface KnownEngine {
  readonly lease: Lease;
  /** Its process, which people would signal: of a worker not the lease's holder. */
  readonly pid: number;
  readonly types: readonly string[];
  /** Neither proved dead nor past its lease. */
  readonly alive: boolean;
}

/**
 * Those that were given back are not among them; those of dead processes are, until others have taken back what they
 * had. Who claimed one task takes no more, and is not among them either.
 */
export async function knownEngines(
  store: Store,
  liveness: (process: ProcessIdentity) => Liveness = livenessOf,
): Promise<readonly KnownEngine[]> {
  const listed = await Promise.all(OWNER_LEASES.map((prefix) => store.leases.listLeases(prefix)));
  const leases = listed.flat();
  const owners = leases.filter((lease) => !isEngine(lease)).map(({ fence }) => fence);
  const workers = await store.workers.workersByOwner(owners);
  const now = await store.now();
  return leases.flatMap((lease) => {
    const types = typesOfPurpose(lease.purpose);
    if (!isEngine(lease) && types.length === 0) return [];
    const pid = workers.get(lease.fence)?.pid ?? lease.holder.pid;
    return [{ lease, pid, types, alive: lease.expiresAt > now && liveness(lease.holder) !== "dead" }];
  });
}

const isEngine = ({ name }: Lease): boolean => name.startsWith(ENGINE_LEASES);

/** `engine pid 4711 on host7`, as people name it. */
export const engineName = ({ lease, pid }: KnownEngine): string =>
  `${isEngine(lease) ? "engine" : "worker"} ${processName(pid, lease)}`;

export const enginesFor = (engines: readonly KnownEngine[], type: string): readonly KnownEngine[] =>
  engines.filter((engine) => engine.alive && engine.types.includes(type));
