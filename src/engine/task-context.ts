import type { JsonValue } from "../domain/canonical-json.js";
import type { PathScope } from "../domain/path-scope.js";
import type { EndedTaskState, TaskFailure } from "../domain/task.js";
import type { SubmitOptions, Submittable } from "./submission.js";

/** How a task ended on which another depends. */
export interface DependencyEnd {
  readonly id: string;
  /** Null when it was removed meanwhile. */
  readonly state: EndedTaskState | null;
  readonly result: JsonValue;
  readonly failure: TaskFailure | null;
}

/** What a person has answered to a task's question. */
export interface GivenAnswer {
  readonly at: number;
  /** Who it says to be. */
  readonly by: string;
  readonly text: string;
}

/** Steps by name. Names are unique within their parent; a nested step is `outer/inner`. */
export interface StepScope {
  /**
   * Runs `work` once in the life of the task: its result, which must be JSON, is stored, and later attempts get it
   * without running it again. A step that throws is not stored. Several may be under way at once.
   */
  step<T>(name: string, work: (scope: StepScope) => T | Promise<T>): Promise<T>;
}

/** What a handler is given besides its params. Everything that it writes is refused once its attempt was superseded. */
export interface TaskContext extends StepScope {
  readonly taskId: string;
  readonly type: string;
  /** The number of this attempt, from 1, over all runs. */
  readonly attempt: number;
  /** 1, and one more for each explicit retry. */
  readonly run: number;
  /** Attempts of this run that have failed. */
  readonly failures: number;
  /** Larger than that of every attempt before; give it to what the handler writes to, so that it can refuse latecomers. */
  readonly fence: number;
  readonly parentId: string | null;
  readonly tags: readonly string[];
  /** What it reads and writes; nothing that collides with it runs before this attempt has ended. */
  readonly paths: readonly PathScope[];
  readonly trace: string | null;
  /** Aborted at the attempt's time limit, at a cancel or removal, when the engine stops, and when the lease was lost. */
  readonly signal: AbortSignal;
  /**
   * Goes on after `ms` milliseconds, also when this process has ended meanwhile. A long sleep ends the attempt by an
   * error that the handler must let pass; the next attempt comes here again, by its steps.
   */
  sleep(name: string, ms: number): Promise<void>;
  /** Stores how far it is, as JSON; the newest stays. */
  progress(value: JsonValue): Promise<void>;
  /** Adds a line to the task's log; written with what else is written in this turn. */
  log(line: string): void;
  /** Makes sure that the attempt is still the running one. Errors: `stale_write`. */
  heartbeat(): Promise<void>;
  /** Submits a child task, once in the life of this task, whatever attempts follow. @returns its id */
  spawn<Input>(
    name: string,
    task: Submittable<Input>,
    params: NoInfer<Input>,
    options?: SubmitOptions,
  ): Promise<string>;
  /** The same for many of one type, all or none. */
  spawnMany<Input>(
    name: string,
    task: Submittable<Input>,
    params: readonly NoInfer<Input>[],
    options?: SubmitOptions,
  ): Promise<readonly string[]>;
  /** The ends of what this task depended on, in the order of their ids. */
  dependencies(): Promise<readonly DependencyEnd[]>;
  /** What people have answered since the task was submitted, the oldest first; see `NeedsInput`. */
  answers(): Promise<readonly GivenAnswer[]>;
}
