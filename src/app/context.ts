/** What a use-case works with. Everything is opened when first asked for, so that a cheap command stays cheap. */
import type { Settings } from "../config/settings.js";
import type { BatchReport } from "../contracts/batch-views.js";
import type { ContactChange } from "../contracts/contact-change.js";
import type { CallName, ItemOf, OutputOf, ParsedInputOf, StreamName } from "../contracts/index.js";
import type { RunView } from "../contracts/run-views.js";
import type { LogPiece } from "../contracts/runs.js";
import type { TaskView } from "../contracts/task-views.js";
import type { DispatchScope } from "../dispatch/dispatch-scope.js";
import type { LeaseKeeper } from "../dispatch/lease-keeper.js";
import type { Runtime } from "../dispatch/runtime.js";
import type { MachineSpec } from "../domain/machine.js";
import type { ProgramInput } from "../machines/machine-port.js";
import type { Log } from "../observe/log.js";
import type { Store } from "../store/store.js";
import type { Service } from "./sidecar/service.js";

export interface Inventory {
  /** The file, or where the default comes from, in words. */
  readonly source: string;
  readonly machines: readonly MachineSpec[];
}

export interface AppContext {
  readonly settings: Settings;
  store(): Promise<Store>;
  runtime(): Promise<Runtime>;
  keeper(): Promise<LeaseKeeper>;
  inventory(): Promise<Inventory>;
  /** Starts the detached dispatcher of a scope unless a living one holds its lease. */
  ensureDispatcher(scope: DispatchScope): Promise<void>;
}

/** What long work tells while it is under way. */
export type Progress =
  | { readonly type: "submitted"; readonly outcome: OutputOf<"runs.submit">["outcome"]; readonly run: RunView }
  | { readonly type: "log"; readonly piece: LogPiece }
  | { readonly type: "contact"; readonly change: ContactChange }
  | { readonly type: "report"; readonly report: BatchReport }
  /** Of `tasks.claim` and `tasks.cancel`: it waits, and why or for whom. */
  | { readonly type: "waiting"; readonly why: string }
  /** Of `tasks.wait`: those that have not ended, and which of their types no living engine or worker takes. */
  | { readonly type: "awaited"; readonly tasks: readonly TaskView[]; readonly untaken: readonly string[] }
  /** Of `tasks.logs` of a command: the run that has its output. */
  | { readonly type: "output"; readonly runId: string }
  /** Of `tasks.submit`: it is recorded, and so many living engines know its type. */
  | { readonly type: "task"; readonly task: TaskView; readonly engines: number };

/** What a command that is called gets of whoever calls it; nothing in a library, whose input is another's. */
export interface CallerTerminal {
  readonly input: ProgramInput;
  /** What is printed is looked at on a terminal that shows colours. */
  readonly colours: boolean;
  /** Columns and rows of the terminal. */
  readonly size: readonly [columns: number, rows: number];
}

/** Whoever looks on while a worker works. */
export interface WorkWatch {
  readonly log: Log;
  /** Aborted when nobody wants to wait for what runs any more. */
  readonly hurry: AbortSignal;
}

export interface CallOptions {
  /** Of `runs.exec` in the foreground. */
  readonly terminal?: CallerTerminal;
  /** Reads all of what the caller has on standard input, for files that are named `-`; nothing in a library. */
  readonly standardInput?: () => Promise<Uint8Array>;
  /** Of `system.serve`. */
  readonly service?: Service;
  /** Of `workers.work`. */
  readonly watch?: WorkWatch;
  /** Stops waiting or following; what was started goes on, looked after by a dispatcher. */
  readonly signal?: AbortSignal;
  /** Awaited, so that a slow reader slows a log down instead of filling memory. */
  readonly onProgress?: (progress: Progress) => void | Promise<void>;
}

export type CallHandler<N extends CallName> = (
  context: AppContext,
  input: ParsedInputOf<N>,
  options: CallOptions,
) => Promise<OutputOf<N>>;

export type StreamHandler<N extends StreamName> = (
  context: AppContext,
  input: ParsedInputOf<N>,
  options: CallOptions,
) => AsyncGenerator<ItemOf<N>, void>;
