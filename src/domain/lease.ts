/**
 * A lease: the right to drive something (a run, the dispatcher's post) until a time judged by the store's clock.
 *
 * Whoever takes a lease gets a fence, larger than every fence before it; guarded writes present it, so that a holder
 * that was superseded while it slept is refused (Kleppmann, "How to do distributed locking", 2016).
 */

/** A process, told apart from every other that ever had its pid. */
export interface ProcessIdentity {
  readonly host: string;
  readonly boot: string;
  readonly pid: number;
  readonly pidStart: string;
}

/** Stands where the holder is no process: nothing proves it dead, and what it holds is over when its time is. */
export const NO_PROCESS = 0;

/** The pid of a holder; null for one that is no process. */
export const pidOf = ({ pid }: ProcessIdentity): number | null => (pid === NO_PROCESS ? null : pid);

export interface Lease {
  readonly name: string;
  readonly fence: number;
  readonly holder: ProcessIdentity;
  /** What the holder is for, to show to people: `waybill run`, `dispatcher`. */
  readonly purpose: string;
  readonly acquiredAt: number;
  readonly expiresAt: number;
}

/** How long a lease lasts without renewal. A dead holder on the same host is proved dead long before. */
export const LEASE_TTL_MS = 30_000;

/** How often a lease of `ttlMs` is renewed: two renewals may fail before it is in danger. */
export const renewalMs = (ttlMs: number): number => Math.max(1, Math.floor(ttlMs / 3));
export const LEASE_RENEW_MS = renewalMs(LEASE_TTL_MS);

export const runLeaseName = (runId: string): string => `run/${runId}`;
export const dispatcherLeaseName = (host: string): string => `dispatcher/${host}`;

export const ENGINE_LEASES = "engine/";
export const engineLeaseName = (engineId: string): string => `${ENGINE_LEASES}${engineId}`;

/** What an engine's lease is for: the types of tasks that it executes, so that anybody can tell who would take a task. */
export const enginePurpose = (types: readonly string[]): string => `engine ${JSON.stringify(types)}`;

/** The types in the purpose of an engine or of `waybill work`; none in any other text. */
export function typesOfPurpose(purpose: string): readonly string[] {
  const list = /^(?:engine|work) (\[.*\])$/s.exec(purpose)?.[1];
  return list === undefined ? [] : (JSON.parse(list) as string[]);
}

export const sameProcess = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.host === b.host && a.boot === b.boot && a.pid === b.pid && a.pidStart === b.pidStart;

/** What is known about a holder: only a process of the same host can be proved dead. */
export type Liveness = "alive" | "dead" | "unknown";

/** A lease may be taken when nobody holds it, when its time is over, or when its holder is proved dead. */
export function isTakeable(lease: Lease | null, now: number, liveness: Liveness): boolean {
  return lease === null || lease.expiresAt <= now || liveness === "dead";
}
