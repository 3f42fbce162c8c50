/** A machine: something that can execute a run. What the inventory says of it, and what it answers about a run. */

export const TRANSPORTS = ["local", "ssh"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

export const MACHINE_OSES = ["linux", "macos", "windows"] as const;
export type MachineOs = (typeof MACHINE_OSES)[number];

/** `offline`: it did not answer when it was last asked; `unknown`: it was never asked. */
export const MACHINE_STATUSES = ["idle", "busy", "offline", "unknown"] as const;
export type MachineStatus = (typeof MACHINE_STATUSES)[number];

/** How the system's `ssh` is called for a machine, beyond host, user and port. Paths are absolute. */
export interface SshSettings {
  /** Read instead of the user's own configuration (`ssh -F`); null: the user's. */
  readonly configFile: string | null;
  /** The only key that is offered; null: what agent and configuration offer. */
  readonly identityFile: string | null;
  /** Hosts to go through, as `ssh -J` takes them; null: what the configuration says. */
  readonly proxyJump: string | null;
  /** Milliseconds until a connection must stand. */
  readonly connectTimeoutMs: number;
}

export const DEFAULT_SSH: SshSettings = {
  configFile: null,
  identityFile: null,
  proxyJump: null,
  connectTimeoutMs: 10_000,
};

/** One machine of the inventory, defaults filled in. */
export interface MachineSpec {
  readonly name: string;
  readonly transport: TransportName;
  readonly host: string | null;
  readonly user: string | null;
  readonly port: number | null;
  /** Null exactly for a machine that is not reached by ssh. */
  readonly ssh: SshSettings | null;
  readonly os: MachineOs;
  readonly tags: readonly string[];
  /** How many exclusive runs it executes at once. */
  readonly slots: number;
  readonly workDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A machine as a version wrote it that knew no `ssh` yet. */
export type StoredMachineSpec = Omit<MachineSpec, "ssh"> & Partial<Pick<MachineSpec, "ssh">>;

/** Fills in what an older version did not record. */
export function fromStored(stored: StoredMachineSpec): MachineSpec {
  return { ...stored, ssh: stored.ssh ?? (stored.transport === "ssh" ? DEFAULT_SSH : null) };
}

/** Names one attempt on a machine; the name of its run directory. */
export interface AttemptKey {
  readonly runId: string;
  readonly attempt: number;
}

export const attemptDirName = (key: AttemptKey): string => `${key.runId}.${key.attempt}`;

/** Why the machine ended an attempt, in the words of the supervisor's record. */
export const EXIT_REASONS = [
  "exited",
  "timeout",
  "silence",
  "log_limit",
  "out_of_contact",
  "cancelled",
  "terminated",
  "supervisor_died",
  "entrypoint_missing",
  "tree_missing",
  "copy_failed",
  "disk_full",
  "no_session",
  "directory_missing",
  "command_missing",
  "command_not_executable",
] as const;
export type ExitReason = (typeof EXIT_REASONS)[number];

/** Signals by which a program may be asked to do something or to end (POSIX.1-2017, <signal.h>). */
export const SIGNALS = ["HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "ALRM", "TERM", "CONT", "STOP"] as const;
export type SignalName = (typeof SIGNALS)[number];

/** How an attempt is asked to end, where that differs from TERM and the grace period of its run. */
export interface CancelManner {
  /** Sent to the program's whole group first; null: TERM. */
  readonly signal: SignalName | null;
  /** Milliseconds between that and the kill; null: the run's own. */
  readonly graceMs: number | null;
}

/** `start`, as the supervisor wrote it once the program ran. Times are epoch milliseconds of the machine's clock. */
export interface StartRecord {
  readonly v: 1;
  readonly run: string;
  readonly attempt: number;
  readonly fence: number;
  readonly pid: number;
  readonly pid_start: string;
  readonly supervisor: number;
  readonly supervisor_start: string;
  readonly watchdog: number;
  readonly watchdog_start: string;
  readonly boot: string;
  readonly started: number;
}

/** `exit`, the machine's last word on an attempt. */
export interface ExitRecord {
  readonly v: 1;
  readonly run: string;
  readonly attempt: number;
  readonly fence: number;
  readonly code: number | null;
  readonly reason: ExitReason;
  readonly log_bytes: number;
  /** SHA-256 of the manifest file, or null when the program left no artifacts. */
  readonly artifacts_manifest_hash: string | null;
  readonly started: number | null;
  readonly ended: number;
}

/**
 * Proof that an attempt will never write its exit record. `records_gone`: the store knows that it started, and the
 * machine, reached, has no trace of it; starting it again could execute it twice.
 */
export const LOST_PROOFS = ["rebooted", "supervisor_died", "records_gone"] as const;
export type LostProof = (typeof LOST_PROOFS)[number];

/** What a machine says when asked about an attempt. Silence is not among the answers: it is an error and proves nothing. */
export type MachineAnswer =
  | { readonly state: "absent" }
  | { readonly state: "prepared" }
  | { readonly state: "starting" }
  | { readonly state: "busy"; readonly holder: string }
  | { readonly state: "running"; readonly start: StartRecord; readonly logBytes: number }
  | { readonly state: "exit"; readonly exit: ExitRecord; readonly start: StartRecord | null }
  | { readonly state: "lost"; readonly proof: LostProof; readonly start: StartRecord | null; readonly at: number };
