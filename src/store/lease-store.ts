import type { Lease, ProcessIdentity } from "../domain/lease.js";

export interface LeaseRequest {
  readonly name: string;
  readonly holder: ProcessIdentity;
  readonly purpose: string;
  readonly ttlMs: number;
  /** The fence of a holder that the caller has proved dead, or that it was itself and is done with; its lease may be taken before it expires. */
  readonly provedDeadFence?: number;
}

export type LeaseAnswer =
  | { readonly won: true; readonly lease: Lease }
  | { readonly won: false; readonly lease: Lease };

export interface LeaseKeepingOptions {
  readonly ttlMs: number;
  readonly everyMs: number;
  /** Called once, when a renewal finds that the lease is held under this fence no longer. */
  readonly onLost: () => void;
  /** Called when a renewal could not be tried; the next may succeed. */
  readonly onError: (message: string) => void;
}

export interface LeaseKeeping {
  /** Renews no more; resolves when nothing of it is under way. The lease stays until it expires or is given back. */
  stop(): Promise<void>;
}

/** The rights to drive things. Time is the store's clock; a fence, once given, is never given again. */
export interface LeaseStore {
  /** Takes a free, expired or proved-dead lease under a new, larger fence; else answers with who holds it. */
  acquireLease(request: LeaseRequest): Promise<LeaseAnswer>;
  /** Renews those of `leases` that are still held under their fence, and returns them by name; what is missing was lost. */
  renewLeases(leases: readonly Pick<Lease, "name" | "fence">[], ttlMs: number): Promise<readonly Lease[]>;
  /**
   * Renews a lease every so often, where the store can also while the event loop of this process is blocked. It keeps
   * no process alive.
   */
  keepLease(lease: Pick<Lease, "name" | "fence">, options: LeaseKeepingOptions): LeaseKeeping;
  /** Gives a lease back; false when it was no longer held under this fence. */
  releaseLease(name: string, fence: number): Promise<boolean>;
  getLease(name: string): Promise<Lease | null>;
  /** Leases, live or not, whose name starts with `prefix`, by name. */
  listLeases(prefix: string): Promise<readonly Lease[]>;
}
