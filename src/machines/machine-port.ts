/**
 * What Waybill needs of a machine, whatever it is reached by: the run protocol (docs/run-protocol.md) as five idempotent
 * steps, each of which may be cut anywhere and asked again.
 *
 * An answer is what the machine recorded. No answer is `machine_unreachable`, thrown, and says nothing about the run.
 */
import type { Readable } from "node:stream";
import type { AttemptKey, CancelManner, MachineAnswer, MachineSpec, SignalName } from "../domain/machine.js";
import type { FrozenTree } from "./tree/frozen-tree.js";

/**
 * What a program finds on its standard input: nothing, an open file of this process (it is handed over and read by
 * nobody here), or what a stream brings, for as long as this process lives.
 */
export type ProgramInput = null | number | Readable;

/** A command that runs where it was called, without a tree and without a slot. */
export interface CommandPlace {
  /** Absolute path of the working directory. */
  readonly directory: string;
  readonly input: ProgramInput;
}

/** Whether the one who asks drives the attempt, which counts as contact (`StartRequest.contactMs`). Default: an onlooker. */
export type Asker = "driver" | "onlooker";

export interface StartRequest extends AttemptKey {
  readonly fence: number;
  /** Empty for a command. */
  readonly treeHash: string;
  /** Null: the entrypoint is a file of the tree. Else it is looked up as a shell would. */
  readonly command: CommandPlace | null;
  readonly entrypoint: string;
  readonly args: readonly string[];
  readonly timeoutMs: number | null;
  readonly silenceMs: number | null;
  readonly graceMs: number;
  readonly logLimitBytes: number | null;
  /** The machine ends the attempt when its driver has not asked for it for this long; null: it goes on. */
  readonly contactMs: number | null;
  /** Everything the program gets in its environment on top of the machine's own. Values are handed over, never written. */
  readonly env: Readonly<Record<string, string>>;
}

/** What was brought back of an attempt. */
export interface Collected {
  /** Absolute path of the log's copy. */
  readonly logPath: string;
  /** Absolute path of the artifacts' folder, or null when the program left none. */
  readonly artifactsPath: string | null;
  readonly files: number;
  readonly bytes: number;
  /** Files that the machine has and that were not asked for. */
  readonly left: number;
}

export interface CollectOptions {
  readonly signal?: AbortSignal;
  /** Which artifacts to bring, in git's syntax of patterns; null, as by default: all. */
  readonly globs?: readonly string[] | null;
}

/** One fact found by `check`, in the order found. */
export interface MachineFinding {
  readonly name: string;
  readonly ok: boolean;
  readonly value: string;
  readonly hint: string | null;
}

export interface Machine {
  readonly spec: MachineSpec;
  /** Brings the tree to the machine and verifies its hash there. Errors: `upload_failed`, `disk_full`, `machine_unreachable`. */
  prepare(tree: FrozenTree, signal?: AbortSignal): Promise<void>;
  /**
   * Starts the attempt unless it was started before, and answers once the machine has recorded what came of it. Starting
   * twice is harmless: the attempt's claim decides. Errors: `spawn_failed`, `machine_unreachable`.
   */
  start(request: StartRequest, signal?: AbortSignal): Promise<MachineAnswer>;
  status(key: AttemptKey, who?: Asker): Promise<MachineAnswer>;
  /** Resolves with the machine's last word: `exit` or `lost` (or `absent`, `busy` when there is nothing to wait for). */
  settled(key: AttemptKey, signal?: AbortSignal, who?: Asker): Promise<MachineAnswer>;
  /** The log from a byte offset, as written, until the attempt has ended and all of it was read. */
  follow(key: AttemptKey, fromByte: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The log from a byte offset up to its present end. Empty when there is none. */
  readLog(key: AttemptKey, fromByte: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The byte at which the last `lines` lines of the log begin, as it stands; 0 when there is none. */
  tailOffset(key: AttemptKey, lines: number): Promise<number>;
  /** The notes of how far the log had grown when: lines of `EPOCH_MS BYTES`; empty before the first. */
  growth(key: AttemptKey): Promise<string>;
  /** Where the log lies while the attempt runs, when it can be read from here; else null. */
  logPath(key: AttemptKey): string | null;
  /** Asks the supervisor to stop the attempt, and the first to ask says how; it answers for the group's death in its exit record. */
  cancel(key: AttemptKey, manner?: CancelManner): Promise<void>;
  /** Sends a signal to the group of the attempt's program; false when it is not running. It ends nothing by itself. */
  signal(key: AttemptKey, name: SignalName): Promise<boolean>;
  /** Ends whatever a lost attempt left alive, and gives its slot back. */
  reap(key: AttemptKey): Promise<void>;
  /**
   * Brings log and artifacts to `destination`, verified against the manifest. Cut and asked again it goes on, and what is
   * there already is not brought again. Errors: `artifact_failed`, `disk_full`, `machine_unreachable`.
   */
  collect(key: AttemptKey, destination: string, options?: CollectOptions): Promise<Collected>;
  /** Removes what the attempt left on the machine but its records. */
  forget(key: AttemptKey): Promise<void>;
  /** Looks whether the machine can execute runs: work directory, tools, space, clock. */
  check(): Promise<readonly MachineFinding[]>;
}
