/**
 * Who executes tasks. An **owner** is what a lease names that may hold attempts: an engine, or a worker. Which attempts
 * are whose is said by the lease's fence in the task's record and by nothing else; names and sessions are for people.
 */
import { ENGINE_LEASES, type ProcessIdentity } from "./lease.js";

/** `work` runs many attempts under one lease; a `claim` and a `dispatch` have one attempt, whose end is their lease's. */
export const WORKER_KINDS = ["work", "claim", "dispatch"] as const;
export type WorkerKind = (typeof WORKER_KINDS)[number];

export const OWNER_KINDS = ["engine", ...WORKER_KINDS] as const;
export type OwnerKind = (typeof OWNER_KINDS)[number];

/** Whether the lease of such a worker is there for one attempt, and goes with it. */
export const holdsOneAttempt = (kind: OwnerKind): boolean => kind === "claim" || kind === "dispatch";

export const WORKER_LEASES = "worker/";
export const workerLeaseName = (workerId: string): string => `${WORKER_LEASES}${workerId}`;
/** What the names of all leases begin with under which tasks are executed. */
export const OWNER_LEASES = [ENGINE_LEASES, WORKER_LEASES] as const;

/** Who somebody says to be. Opaque text for people: it decides nothing. */
export interface WorkerIdentity {
  readonly agentId: string;
  /** Tells two of one agent apart, as two in one checkout. */
  readonly session: string;
  readonly kind: WorkerKind;
  /** The types of tasks that it takes; empty when it takes what it is told to. */
  readonly types: readonly string[];
  /** Where it works; null when it does not say. */
  readonly workspace: string | null;
}

/** A worker as it is remembered, by the fence of its lease. */
export interface Worker extends WorkerIdentity {
  readonly owner: number;
  /** The name of its lease. */
  readonly lease: string;
  /** See `Enrolment.pid`. */
  readonly pid: number | null;
  readonly startedAt: number;
  /** When its lease was given back or taken from it; null while it is held. */
  readonly leftAt: number | null;
}

/** Somebody who joins the workers of a store. */
export interface Enrolment extends WorkerIdentity {
  /** The name of its lease, from `workerLeaseName`: unique for ever. */
  readonly name: string;
  /** Whose death proves the worker dead: not always its own process, but whatever ends what that leaves behind. */
  readonly holder: ProcessIdentity;
  /** Its own process on the holder's host, which people would signal; null when nobody knows. */
  readonly pid: number | null;
}

/** What a worker's lease is for: the types that it goes on to take (see `typesOfPurpose`), or who has the one task. */
export const workerPurpose = ({ kind, types, agentId }: WorkerIdentity): string =>
  kind === "work" ? `work ${JSON.stringify(types)}` : `${kind} ${agentId}`;

/** A label as it stands in a sentence or a column: on one line, whatever is in it. */
export const showLabel = (label: string): string =>
  label.replaceAll(/\p{Cc}/gu, (c) => (c === "\n" ? "\\n" : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`));

export const LONGEST_LABEL = 200;

/** Whether a text can be an agent's id or a session: 1 to 200 characters of valid Unicode. */
export const isLabel = (text: string): boolean =>
  text.length >= 1 && text.length <= LONGEST_LABEL && text.isWellFormed();
