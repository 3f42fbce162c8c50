/** The lease under which an engine's attempts run: one for all of them, renewed off the event loop. */
import { engineLeaseName, enginePurpose, type Lease, type ProcessIdentity } from "../domain/lease.js";
import type { Log } from "../observe/log.js";
import type { LeaseKeeping, LeaseStore } from "../store/lease-store.js";

/** Renewals within one lease: two may fail before it is in danger. */
const RENEWALS = 3;

export interface EngineLeaseOptions {
  readonly leases: LeaseStore;
  readonly holder: ProcessIdentity;
  readonly ttlMs: number;
  readonly newId: () => string;
  /** The types of tasks that the engine executes. */
  readonly types: readonly string[];
  readonly log: Log;
  /** Called when the lease was lost to somebody else: whatever ran under it is no longer ours. */
  readonly onLost: () => void;
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

  static async take(options: EngineLeaseOptions): Promise<EngineLease> {
    const { leases, holder, ttlMs, newId, types, log, onLost } = options;
    const name = engineLeaseName(newId());
    const { lease } = await leases.acquireLease({ name, holder, purpose: enginePurpose(types), ttlMs });
    const { fence } = lease;
    const keeping = leases.keepLease(lease, {
      ttlMs,
      everyMs: Math.max(1, Math.floor(ttlMs / RENEWALS)),
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
