/**
 * A run: one execution on one machine. The record, its states, and which state may follow which.
 *
 * The six statuses and the wire's field names are the source's (`runs.Run`); what a machine reports becomes an
 * outcome in `outcome.ts`. Unreachable is not a status: it is `unreachableSince` on a running run.
 */

import type { Selector } from "./batch.js";
import type { ContactPolicy } from "./contact-policy.js";
import { ERRORS, type ErrorCode, EXIT } from "./errors.js";
import type { MachineSpec } from "./machine.js";

export const RUN_STATUSES = ["pending", "running", "completed", "failed", "interrupted", "timeout"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const RUN_TRANSITIONS = {
  pending: ["running", "failed", "interrupted"],
  running: ["completed", "failed", "interrupted", "timeout"],
  completed: [],
  failed: [],
  interrupted: [],
  timeout: [],
} as const satisfies Record<RunStatus, readonly RunStatus[]>;

/** A tally by status with nothing counted yet. */
export const noRuns = (): Record<RunStatus, number> =>
  Object.fromEntries(RUN_STATUSES.map((status) => [status, 0])) as Record<RunStatus, number>;

export type ActiveStatus = "pending" | "running";
export type TerminalStatus = Exclude<RunStatus, ActiveStatus>;

/** True for a final status: nothing follows it, and dispatching the same work again makes a new run. */
export const isTerminal = (status: RunStatus): status is TerminalStatus => RUN_TRANSITIONS[status].length === 0;

export const TERMINAL_STATUSES: readonly TerminalStatus[] = RUN_STATUSES.filter(isTerminal);
export const ACTIVE_STATUSES = RUN_STATUSES.filter((s) => !isTerminal(s)) as readonly ActiveStatus[];

/** The statuses from which `target` may be reached; stores build their guards from it. */
export const sourcesOf = (target: RunStatus): readonly RunStatus[] =>
  RUN_STATUSES.filter((from) => (RUN_TRANSITIONS[from] as readonly RunStatus[]).includes(target));

/** `directory` is content-hashed and takes a slot, `command` is argv on this machine, `external` was run by others. */
export const RUN_KINDS = ["directory", "command", "external"] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** Where the copy of a run's artifacts stands. It never changes the run's outcome. */
export const ARTIFACT_STATES = ["none", "pending", "collected", "failed"] as const;
export type ArtifactState = (typeof ARTIFACT_STATES)[number];

/** A variable for the program: a plain value, or the name of a variable that is read when the run starts and never stored. */
export type EnvValue = string | { readonly fromEnv: string };

/** What is asked of the machine; fixed when the run is created. Durations in milliseconds, null = no limit. */
export interface RunRequest {
  /** The machine as the inventory described it at submit, so that any process can drive the run later, from anywhere. */
  readonly target: MachineSpec;
  /** The plan and the staging it is dispatched for, to tell the program; null outside a batch. */
  readonly plan: { readonly name: string; readonly staging: string } | null;
  readonly entrypoint: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly timeoutMs: number | null;
  readonly silenceMs: number | null;
  readonly graceMs: number;
  /** The log may grow to this many bytes before the run is stopped; null = no limit. */
  readonly logLimitBytes: number | null;
  /** Wait for a turn while the machine itself is full, instead of ending as `machine_busy`. */
  readonly queue: boolean;
  /** What was asked for: one machine, or any that carries a tag. Decides whether the run may go to another. */
  readonly selector: Selector;
  readonly onUnreachable: ContactPolicy;
  /** Which artifacts are brought, in git's syntax of patterns; absent: all. */
  readonly artifacts?: readonly string[];
  /** Keep the variables of the run's scope, and of the scopes below it, after its end. */
  readonly keepVariables: boolean;
  /** How many further attempts follow an attempt that fails, times out or is lost. */
  readonly retries: number;
}

export const DEFAULT_GRACE_MS = 10_000;
export const DEFAULT_ENTRYPOINT = { posix: "run.sh", windows: "run.ps1" } as const;

/** On whose behalf a run is executed, as its submitter says it (`WAYBILL_SOURCE`, …); null where it says nothing. */
export interface Provenance {
  /** What kind of caller: `cli`, `ci`, `mcp`, any word. */
  readonly source: string | null;
  /** Which program or person of that kind. */
  readonly client: string | null;
  /** Which of its sessions. */
  readonly session: string | null;
}

export const NO_PROVENANCE: Provenance = { source: null, client: null, session: null };

/** What a caller decides about a new run; the store adds id, times and state. */
export interface NewRun {
  readonly id: string;
  readonly kind: RunKind;
  readonly ref: string;
  readonly testDir: string;
  readonly testDirHash: string;
  readonly request: RunRequest;
  readonly createdBy: string;
  readonly detached: boolean;
  readonly batchId: string | null;
  readonly planEntry: string | null;
  readonly parentRunId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly provenance: Provenance;
}

export interface Run extends NewRun {
  readonly machine: string;
  /** Identity of the work for attach and reuse: tree, entrypoint, arguments and variables (`work-hash.ts`). */
  readonly workHash: string;
  readonly status: RunStatus;
  /** The slot held on the machine; null while queued for one and after the end. */
  readonly slot: number | null;
  readonly attempt: number;
  /** Guards what this attempt writes, in the store and on the machine. */
  readonly fence: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly errorCode: ErrorCode | null;
  readonly errorMsg: string | null;
  readonly pid: number | null;
  readonly unreachableSince: number | null;
  /** When its machine was first asked to start this attempt; null while that has certainly not happened. Local machines are not noted. */
  readonly startAskedAt: number | null;
  readonly cancelRequestedAt: number | null;
  readonly artifactState: ArtifactState;
  readonly artifactError: string | null;
  readonly artifactsPath: string | null;
  readonly logsPath: string | null;
  /** Size of the log that was brought here at the end; null while there is none. */
  readonly logBytes: number | null;
  /** Never removed as garbage. */
  readonly pinned: boolean;
  /** The machine's own record, as read, on which the current status rests. */
  readonly evidence: Readonly<Record<string, unknown>> | null;
}

/** Whether the run has yet to be given a slot. Only a directory takes one: commands and foreign runs share the machine. */
export const waitsForSlot = (run: Pick<Run, "kind" | "status" | "slot">): boolean =>
  run.kind === "directory" && run.status === "pending" && run.slot === null;

/** How an attempt ended. Produced by `outcome.ts` only, from what the machine recorded. */
export interface RunOutcome {
  readonly status: TerminalStatus;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly errorCode: ErrorCode | null;
  readonly errorMsg: string | null;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Interruptions that are nobody's wish. */
const RETRIED: readonly (ErrorCode | null)[] = ["lost", "out_of_contact"];

/** Whether another attempt follows an attempt that ended so. A cancelled run is never tried again. */
export function retriesAfter(
  run: Pick<Run, "attempt" | "request" | "cancelRequestedAt">,
  outcome: RunOutcome,
): boolean {
  if (run.cancelRequestedAt !== null || run.attempt > run.request.retries) return false;
  return outcome.status === "failed" || outcome.status === "timeout" || RETRIED.includes(outcome.errorCode);
}

/** The exit code with which a waiting `waybill` leaves: the work's own where it has one. */
export function exitCodeOfRun(run: Pick<Run, "status" | "exitCode" | "errorCode">): number {
  if (run.status === "completed") return EXIT.success;
  if (run.status === "timeout") return EXIT.timeout;
  if (run.status === "interrupted") return EXIT.interrupted;
  if (run.exitCode !== null && run.exitCode > 0 && run.exitCode < 256) return run.exitCode;
  return run.errorCode === null ? EXIT.workFailed : ERRORS[run.errorCode].exit;
}
