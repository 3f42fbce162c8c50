/**
 * The leases that this process holds: taken by proof or expiry, renewed together, given back.
 *
 * One is forgotten only when the store has it back: a store that cannot be written is asked again at each renewal.
 * Losing one (the process was stopped for longer than the lease) aborts the work done under it; the store refuses its
 * writes in any case, since each presents the fence.
 */
import { isTakeable, LEASE_RENEW_MS, LEASE_TTL_MS, type Lease } from "../domain/lease.js";
import type { Runtime } from "./runtime.js";

export interface HeldLease {
  readonly lease: Lease;
  /** Aborted when the lease was lost to somebody else. */
  readonly lost: AbortSignal;
  /** Gives it back. When the store fails that is logged and done later; nothing renews it from here on. */
  release(): Promise<void>;
}

interface Entry {
  readonly lease: Lease;
  readonly lost: AbortController;
  /** Its work is over: to be given back, not to be renewed. */
  leaving: boolean;
}

export type Taken = { readonly won: true; readonly held: HeldLease } | { readonly won: false; readonly lease: Lease };

type KeeperRuntime = Pick<Runtime, "store" | "holder" | "liveness" | "log">;

export class LeaseKeeper {
  readonly #runtime: KeeperRuntime;
  readonly #held = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;

  constructor(runtime: KeeperRuntime) {
    this.#runtime = runtime;
  }

  /** Takes the lease if it is free, expired, left by its holder's death or by this keeper; says who holds it otherwise. */
  async take(name: string, purpose: string): Promise<Taken> {
    const { store, holder, liveness } = this.#runtime;
    const current = await store.leases.getLease(name);
    const alive = current === null ? "unknown" : this.#isLeaving(current) ? "dead" : liveness(current.holder);
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
    return entry === undefined || entry.leaving ? null : this.#toHeld(entry.lease, entry.lost);
  }

  /** Stops renewing and gives back all that is held. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all([...this.#held.values()].map((entry) => this.#release(entry)));
  }

  #isLeaving({ name, fence }: Lease): boolean {
    const entry = this.#held.get(name);
    return entry?.leaving === true && entry.lease.fence === fence;
  }

  #keep(lease: Lease): HeldLease {
    const lost = new AbortController();
    this.#held.set(lease.name, { lease, lost, leaving: false });
    this.#timer ??= setInterval(() => void this.#renew(), LEASE_RENEW_MS).unref();
    return this.#toHeld(lease, lost);
  }

  #toHeld(lease: Lease, lost: AbortController): HeldLease {
    return { lease, lost: lost.signal, release: () => this.#releaseOf(lease) };
  }

  async #releaseOf({ name, fence }: Lease): Promise<void> {
    const entry = this.#held.get(name);
    if (entry?.lease.fence === fence) await this.#release(entry);
  }

  async #release(entry: Entry): Promise<void> {
    const { name, fence } = entry.lease;
    entry.leaving = true;
    try {
      await this.#runtime.store.leases.releaseLease(name, fence);
      if (this.#held.get(name) === entry) this.#held.delete(name);
    } catch (error) {
      // It stays among what is to be given back; should this process end before, its death frees it.
      this.#runtime.log("lease.release_failed", { name, fence, error: (error as Error).message });
    }
  }

  async #renew(): Promise<void> {
    const entries = [...this.#held.values()];
    const before = entries.filter((entry) => !entry.leaving);
    await Promise.all(entries.filter((entry) => entry.leaving).map((entry) => this.#release(entry)));
    if (before.length === 0) return;
    try {
      const leases = before.map(({ lease }) => lease);
      const renewed = await this.#runtime.store.leases.renewLeases(leases, LEASE_TTL_MS);
      const kept = new Set(renewed.map((lease) => `${lease.name}#${lease.fence}`));
      for (const entry of before) this.#loseUnless(kept, entry);
    } catch (error) {
      // Two more renewals are due before the leases expire; the next one may find the store free again.
      this.#runtime.log("lease.renew_failed", { error: (error as Error).message });
    }
  }

  /** What was given back while the renewal was under way is missing from it, but was not lost. */
  #loseUnless(kept: ReadonlySet<string>, entry: Entry): void {
    const { name, fence } = entry.lease;
    if (kept.has(`${name}#${fence}`) || this.#held.get(name) !== entry || entry.leaving) return;
    this.#held.delete(name);
    this.#runtime.log("lease.lost", { name, fence });
    entry.lost.abort();
  }
}
