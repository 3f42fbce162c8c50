/** The lease under which an engine's attempts run: one for all of them, renewed off the event loop. */
import { engineLeaseName, enginePurpose, type Lease, renewalMs } from "../domain/lease.js";
import { workerLeaseName } from "../domain/worker.js";
import type { LeaseKeeping, LeaseStore } from "../store/lease-store.js";
import type { EngineRuntime } from "./runtime.js";

type Taker = Pick<EngineRuntime, "store" | "holder" | "leaseMs" | "newId" | "definitions" | "enrolment" | "log">;

/** An engine has a lease alone; a worker has names besides. */
async function takeLease({ store, holder, leaseMs: ttlMs, newId, definitions, enrolment }: Taker): Promise<Lease> {
  const types = [...definitions.keys()];
  if (enrolment !== null) {
    const { pid } = holder;
    return await store.workers.enrol({ holder, pid, ...enrolment, types, name: workerLeaseName(newId()), ttlMs });
  }
  const request = { name: engineLeaseName(newId()), holder, purpose: enginePurpose(types), ttlMs };
  return (await store.leases.acquireLease(request)).lease;
}

export class EngineLease {
  readonly lease: Lease;
  readonly #leases: LeaseStore;
  readonly #keeping: LeaseKeeping;

  private constructor(lease: Lease, leases: LeaseStore, keeping: LeaseKeeping) {
    this.lease = lease;
    this.#leases = leases;
    this.#keeping = keeping;
  }

  /** @param onLost called when the lease was lost to somebody else: whatever ran under it is no longer ours */
  static async take(taker: Taker, onLost: () => void): Promise<EngineLease> {
    const { leaseMs: ttlMs, log } = taker;
    const { leases } = taker.store;
    const lease = await takeLease(taker);
    const { name, fence } = lease;
    const keeping = leases.keepLease(lease, {
      ttlMs,
      everyMs: renewalMs(ttlMs),
      onLost,
      onError: (error) => log("engine.renew_failed", { name, fence, error }),
    });
    return new EngineLease(lease, leases, keeping);
  }

  /** Renews no more, without giving it back: it is lost already, or left to expire. */
  async drop(): Promise<void> {
    await this.#keeping.stop();
  }

  async release(): Promise<void> {
    await this.#keeping.stop();
    await this.#leases.releaseLease(this.lease.name, this.lease.fence);
  }
}
