/**
 * The leases that this process holds: taken by proof or expiry, renewed together, given back.
 *
 * Losing one (the process was stopped for longer than the lease) aborts the work done under it; the store refuses its
 * writes in any case, since each presents the fence.
 */
import { isTakeable, LEASE_RENEW_MS, LEASE_TTL_MS, type Lease } from "../domain/lease.js";
import type { Runtime } from "./runtime.js";

export interface HeldLease {
  readonly lease: Lease;
  /** Aborted when the lease was lost to somebody else. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export type Taken = { readonly won: true; readonly held: HeldLease } | { readonly won: false; readonly lease: Lease };

type KeeperRuntime = Pick<Runtime, "store" | "holder" | "liveness" | "log">;

export class LeaseKeeper {
  readonly #runtime: KeeperRuntime;
  readonly #held = new Map<string, { lease: Lease; lost: AbortController }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(runtime: KeeperRuntime) {
    this.#runtime = runtime;
  }

  /** Takes the lease if it is free, expired, or its holder is proved dead; says who holds it otherwise. */
  async take(name: string, purpose: string): Promise<Taken> {
    const { store, holder, liveness } = this.#runtime;
    const current = await store.leases.getLease(name);
    const alive = current === null ? "unknown" : liveness(current.holder);
    if (current !== null && !isTakeable(current, await store.now(), alive)) return { won: false, lease: current };
    const answer = await store.leases.acquireLease({
      name,
      holder,
      purpose,
      ttlMs: LEASE_TTL_MS,
      ...(current !== null && alive === "dead" ? { provedDeadFence: current.fence } : {}),
    });
    if (!answer.won) return answer;
    return { won: true, held: this.#keep(answer.lease) };
  }

  /** Keeps a lease that came with the record of a new run. */
  hold(lease: Lease): HeldLease {
    return this.#keep(lease);
  }

  /** The lease of that name if this process holds it. */
  held(name: string): HeldLease | null {
    const entry = this.#held.get(name);
    return entry === undefined ? null : this.#toHeld(entry.lease, entry.lost);
  }

  /** Stops renewing and gives back all that is held. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const names = [...this.#held.keys()];
    await Promise.all(names.map((name) => this.#release(name)));
  }

  #keep(lease: Lease): HeldLease {
    const lost = new AbortController();
    this.#held.set(lease.name, { lease, lost });
    this.#timer ??= setInterval(() => void this.#renew(), LEASE_RENEW_MS).unref();
    return this.#toHeld(lease, lost);
  }

  #toHeld(lease: Lease, lost: AbortController): HeldLease {
    return { lease, lost: lost.signal, release: () => this.#release(lease.name, lease.fence) };
  }

  async #release(name: string, fence?: number): Promise<void> {
    const entry = this.#held.get(name);
    if (entry === undefined || (fence !== undefined && entry.lease.fence !== fence)) return;
    this.#held.delete(name);
    await this.#runtime.store.leases.releaseLease(name, entry.lease.fence);
  }

  async #renew(): Promise<void> {
    if (this.#held.size === 0) return;
    const before = [...this.#held.values()];
    try {
      const renewed = await this.#runtime.store.leases.renewLeases(this.#runtime.holder, LEASE_TTL_MS);
      const kept = new Set(renewed.map((lease) => `${lease.name}#${lease.fence}`));
      for (const { lease, lost } of before) {
        if (kept.has(`${lease.name}#${lease.fence}`)) continue;
        if (this.#held.get(lease.name)?.lease.fence === lease.fence) this.#held.delete(lease.name);
        this.#runtime.log("lease.lost", { name: lease.name, fence: lease.fence });
        lost.abort();
      }
    } catch (error) {
      // Two more renewals are due before the leases expire; the next one may find the store free again.
      this.#runtime.log("lease.renew_failed", { error: (error as Error).message });
    }
  }
}
