/** Takes back what engines left behind that are no more: proved dead on this host at once, others when their lease is over. */
import { ENGINE_LEASES, type Liveness, type ProcessIdentity } from "../domain/lease.js";
import type { Log } from "../observe/log.js";
import type { TakenBack } from "../store/attempt-store.js";
import type { Store } from "../store/store.js";

export interface PeerWatchOptions {
  readonly store: Store;
  readonly liveness: (process: ProcessIdentity) => Liveness;
  readonly quarantineAfter: number;
  readonly log: Log;
  readonly onTakenBack: (taken: TakenBack) => void;
}

/** Looks once. @param own the name of the caller's own lease, which it does not judge. */
export async function takeBackFromDead(options: PeerWatchOptions, own: string | null): Promise<void> {
  const { store, liveness, quarantineAfter, log, onTakenBack } = options;
  const [leases, now] = await Promise.all([store.leases.listLeases(ENGINE_LEASES), store.now()]);
  for (const lease of leases) {
    if (lease.name === own) continue;
    const dead = liveness(lease.holder) === "dead";
    if (!dead && lease.expiresAt > now) continue;
    const taken = await store.attempts.takeBack(lease, dead, quarantineAfter);
    if (taken === null) continue;
    log("engine.taken_back", { name: lease.name, pid: lease.holder.pid, host: lease.holder.host, dead, ...taken });
    onTakenBack(taken);
  }
}
