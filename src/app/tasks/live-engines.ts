/** The engines of a store, by their leases. */
import { ENGINE_LEASES, type Lease, type Liveness, type ProcessIdentity, typesOfPurpose } from "../../domain/lease.js";
import { livenessOf } from "../../machines/process-identity.js";
import type { Store } from "../../store/store.js";

export interface KnownEngine {
  readonly lease: Lease;
  readonly types: readonly string[];
  /** Neither proved dead nor past its lease. */
  readonly alive: boolean;
}

/** Those that were given back are not among them; those of dead processes are, until others have taken back what they had. */
export async function knownEngines(
  store: Store,
  liveness: (process: ProcessIdentity) => Liveness = livenessOf,
): Promise<readonly KnownEngine[]> {
  const [leases, now] = await Promise.all([store.leases.listLeases(ENGINE_LEASES), store.now()]);
  return leases.map((lease) => ({
    lease,
    types: typesOfPurpose(lease.purpose),
    alive: lease.expiresAt > now && liveness(lease.holder) !== "dead",
  }));
}

/** `pid 4711 on host7`, as people name a process. */
export const engineName = ({ holder }: Lease): string => `pid ${holder.pid} on ${holder.host}`;

export const enginesFor = (engines: readonly KnownEngine[], type: string): readonly KnownEngine[] =>
  engines.filter((engine) => engine.alive && engine.types.includes(type));
