/** The process of a dispatch's worker: what it is started with, and what it leaves behind. */
import { fileURLToPath } from "node:url";
import type { AttemptGuard } from "../../domain/attempt.js";
import type { Task } from "../../domain/task.js";
import { type Child, startChild } from "../../machines/children/child.js";
import { ChildLog } from "../../machines/children/child-log.js";
import type { Log } from "../../observe/log.js";
import type { Store } from "../../store/store.js";
import { buildSpec } from "../../workers/spec.js";
import { buildWorkerCommand } from "../../workers/worker-command.js";
import { type AttemptFolder, openAttemptFolder } from "../workers/attempt-folder.js";
import { AttemptLog } from "../workers/attempt-log.js";
import { type ChildAnswer, readAnswer } from "../workers/child-answer.js";
import { childEnvironment } from "../workers/child-environment.js";
import { findProgram } from "../workers/find-program.js";
import { briefOf } from "../workers/task-brief.js";
import type { WorkerPost } from "../workers/worker-post.js";

/** How much is kept of what a worker writes; bytes. */
const LOG_LIMIT = 4 * 1024 * 1024;

/** By which the worker, when it takes the claim over, makes the lease that its parent looks for. */
export const HANDOFF_LEASE = "WAYBILL_HANDOFF_LEASE";
/** The process whose death proves that the worker is dead, and all that it started. */
export const HANDOFF_HOLDER = "WAYBILL_HANDOFF_HOLDER";

export interface WorkerOrder {
  /** Null: this program itself. */
  readonly bin: string | null;
  readonly parentAgentId: string;
  readonly cwd: string;
  readonly result: string;
  readonly summary: string;
  readonly handOff: boolean;
}

export type WorkerCommandLine = readonly [string, ...string[]];

/** The worker's command line. Errors: `spawn_failed` for a program that is not there, `invalid_input`. */
export function commandLineOf(order: WorkerOrder, task: Task, environment: Readonly<Record<string, string>>) {
  const spec = buildSpec(order.parentAgentId, order.cwd, { id: task.id, title: "", files: [] });
  const own = [process.execPath, fileURLToPath(new URL("./cli.cjs", import.meta.url))] as const;
  const [bin, ...first] = order.bin === null ? own : ([order.bin] as const);
  const { command, args, cwd } = buildWorkerCommand(bin, spec);
  const rest = [`--result=${order.result}`, `--summary=${order.summary}`];
  if (order.handOff) rest.push(`--claim-from-agent-id=${order.parentAgentId}`);
  const line: WorkerCommandLine = [findProgram(command, cwd, environment), ...first, ...args, ...rest];
  return { line, workerAgentId: spec.workerAgentId };
}

export interface WorkerStart {
  readonly store: Store;
  readonly post: WorkerPost;
  readonly line: WorkerCommandLine;
  readonly cwd: string;
  readonly guard: AttemptGuard;
  readonly workerLease: string;
  readonly log: Log;
}

export class WorkerProcess {
  readonly child: Child;
  readonly #folder: AttemptFolder;
  readonly #lines: ChildLog;
  readonly #log: SwitchedLog;

  private constructor(child: Child, folder: AttemptFolder, lines: ChildLog, log: SwitchedLog) {
    this.child = child;
    this.#folder = folder;
    this.#lines = lines;
    this.#log = log;
  }

  /** Errors: `spawn_failed`, `lost` when the warden is gone, and the store's. */
  static async start({ store, post, line, cwd, guard, workerLease, log }: WorkerStart): Promise<WorkerProcess> {
    const { taskId, attempt, fence } = guard;
    const folder = await openAttemptFolder(post.directory, fence, await briefOf(store, taskId, attempt, fence));
    const { taskFile, resultFile } = folder;
    const written = new SwitchedLog(store, guard, log);
    const lines = new ChildLog({ limit: LOG_LIMIT, write: (text) => written.add(text) });
    const child = await startChild({
      command: line,
      cwd,
      environment: {
        ...childEnvironment(post.environment, { taskId, attempt, fence, taskFile, resultFile, ...post.identity }),
        [HANDOFF_LEASE]: workerLease,
        [HANDOFF_HOLDER]: String(post.warden.identity.pid),
      },
      inputFile: taskFile,
      warden: post.warden,
      pipes: post.pipes,
      onOutput: (stream, bytes) => lines.take(stream, bytes),
    });
    return new WorkerProcess(child, folder, lines, written);
  }

  /** What it says from now on is of this attempt. */
  writeUnder(guard: AttemptGuard): void {
    this.#log.switchTo(guard);
  }

  /** What it answered, once nothing of it runs any more; all that it wrote is in the task's log then. */
  async answer(): Promise<ChildAnswer> {
    const end = await this.child.ended;
    this.#lines.finish();
    await this.#log.flush();
    const traces = { resultFile: this.#folder.resultFile, lastLine: this.#lines.lastLine(), end };
    return await readAnswer({ ...traces, stopped: this.child.stopped() });
  }

  async remove(): Promise<void> {
    await this.#folder.remove();
  }
}

/** The task's log, written under whichever attempt the worker is executing. */
class SwitchedLog {
  readonly #store: Store;
  readonly #log: Log;
  #fence: number;
  #written: AttemptLog;
  /** Those of attempts before. */
  #flushed: Promise<void> = Promise.resolve();

  constructor(store: Store, guard: AttemptGuard, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#fence = guard.fence;
    this.#written = this.#open(guard);
  }

  add(line: string): void {
    this.#written.add(line);
  }

  switchTo(guard: AttemptGuard): void {
    if (guard.fence === this.#fence) return;
    const before = this.#written;
    this.#flushed = this.#flushed.then(() => before.flush());
    this.#fence = guard.fence;
    this.#written = this.#open(guard);
  }

  async flush(): Promise<void> {
    await this.#flushed;
    await this.#written.flush();
  }

  #open({ taskId, fence }: AttemptGuard): AttemptLog {
    return new AttemptLog({ store: this.#store, taskId, fence, log: this.#log });
  }
}
