/** The door for those who submit tasks and look after them; it needs no engine that executes. */

import type { Attempt } from "../domain/attempt.js";
import { WaybillError } from "../domain/errors.js";
import { nearest } from "../domain/nearest.js";
import type { Schedule } from "../domain/schedule.js";
import { isEndedTask, type Task } from "../domain/task.js";
import { canonicalTaskId } from "../domain/task-identity.js";
import type { Queue } from "../store/queue-store.js";
import type { Step, TaskLogLine } from "../store/step-store.js";
import type { NewTask, RetriedTasks, Submitted, TaskFilter, TaskPage, TypeStats } from "../store/task-store.js";
import type { ChangeLoop } from "./change-loop.js";
import { refuseValue } from "./option-rules.js";
import type { ResultWaiters } from "./result-waiters.js";
import type { EngineRuntime } from "./runtime.js";
import { prepareSubmission, type SubmitOptions, type Submittable } from "./submission.js";
import type { TaskDefinition } from "./task-definition.js";
import { TurnBatch } from "./turn-batch.js";

export interface WaitOptions {
  /** Stops waiting; the task goes on. */
  readonly signal?: AbortSignal;
}

/** A task that was submitted. */
export class SubmittedTask<Result = unknown> {
  readonly id: string;
  /** `existing`: the id was known. `duplicate`: another task holds the unique key, and this is its id. */
  readonly outcome: "created" | "existing" | "duplicate" | "retried";
  readonly #client: TaskClient;

  constructor(client: TaskClient, id: string, outcome: SubmittedTask["outcome"]) {
    this.id = id;
    this.outcome = outcome;
    this.#client = client;
  }

  /** See `TaskClient.result`. */
  result(options: WaitOptions = {}): Promise<Result> {
    return this.#client.result(this.id, options) as Promise<Result>;
  }
}

export interface SubmitManyItem<Input> extends SubmitOptions {
  readonly params: Input;
}

export interface TaskClientOptions {
  readonly runtime: EngineRuntime;
  readonly waiters: ResultWaiters;
  readonly changes: ChangeLoop;
  /** Called in the turn in which the store is asked to record tasks. */
  readonly onSubmitting: (tasks: readonly NewTask[]) => void;
  /** Called when tasks were recorded. */
  readonly onSubmitted: () => void;
}

export class TaskClient {
  readonly #options: TaskClientOptions;
  readonly #batch: TurnBatch<NewTask, Submitted>;
  readonly #facts: { readonly newId: () => string };
  #unlisten: (() => void) | null = null;

  constructor(options: TaskClientOptions) {
    this.#options = options;
    this.#facts = { newId: options.runtime.newId };
    this.#batch = new TurnBatch((tasks) => this.#record(tasks));
  }

  /**
   * Submits a task; it is durable when this resolves. Submissions of one turn share a transaction.
   *
   * Errors: `invalid_input` for params that do not fit, `invalid_task_id`, `task_conflict`, `task_not_found` for an
   * unknown dependency, `unknown_task_type` for a type given by name that this engine does not know, and the store's.
   */
  submit<Input, Result>(
    task: TaskDefinition<string, Input, Result>,
    params: NoInfer<Input>,
    options?: SubmitOptions,
  ): Promise<SubmittedTask<Result>>;
  submit(type: string, params: unknown, options?: SubmitOptions): Promise<SubmittedTask>;
  async submit(task: Submittable | string, params: unknown, options: SubmitOptions = {}): Promise<SubmittedTask> {
    const definition = typeof task === "string" ? this.#definitionOf(task) : task;
    const prepared = prepareSubmission(definition, params, options, this.#facts);
    return this.#toSubmitted(await this.#batch.add(prepared instanceof Promise ? await prepared : prepared));
  }

  /**
   * Submits many tasks of a type in a few transactions, and resolves when all are durable. A crash meanwhile may keep a part;
   * give ids of your own to submit the whole again.
   *
   * Errors: those of `submit`; nothing is recorded when params do not fit. A conflict refuses its own task only, and is thrown.
   */
  async submitMany<Input, Result>(
    task: TaskDefinition<string, Input, Result>,
    items: readonly SubmitManyItem<NoInfer<Input>>[],
  ): Promise<readonly SubmittedTask<Result>[]> {
    if (!Array.isArray(items)) refuseValue(items, { path: "items", owner: "submitMany" }, ITEMS);
    const prepared = items.map(({ params, ...options }) => prepareSubmission(task, params, options, this.#facts));
    const tasks = prepared.some((one) => one instanceof Promise)
      ? await Promise.all(prepared)
      : (prepared as NewTask[]);
    const answers = await this.#record(tasks);
    return answers.map((answer) => this.#toSubmitted(answer) as SubmittedTask<Result>);
  }

  async #record(tasks: readonly NewTask[]): Promise<readonly Submitted[]> {
    const { runtime, onSubmitting, onSubmitted } = this.#options;
    const recorded = runtime.store.tasks.submitTasks(tasks);
    onSubmitting(tasks);
    const answers = await recorded;
    onSubmitted();
    const counts = new Map<string, number>();
    for (const [at, { type }] of tasks.entries()) {
      if (answers[at]?.outcome === "created") counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    for (const [type, count] of counts) runtime.observe({ kind: "submitted", type, count });
    return answers;
  }

  #toSubmitted(answer: Submitted): SubmittedTask {
    if (answer.outcome === "refused") throw answer.error;
    return new SubmittedTask(this, answer.id, answer.outcome);
  }

  #definitionOf(type: string): TaskDefinition {
    const { definitions } = this.#options.runtime;
    const definition = definitions.get(type);
    if (definition !== undefined) return definition;
    const near = nearest(type, [...definitions.keys()]);
    throw new WaybillError("unknown_task_type", `No task of the type "${type}" is defined here.`, {
      hint: near === null ? "Give its definition to openEngine." : `Did you mean "${near}"?`,
      details: { type },
    });
  }

  /**
   * Waits for a task's end and answers with its result.
   *
   * Errors: `task_not_found`; `cancelled` for a cancelled task; `task_failed`, with the failure in `details`, for a failed
   * one; what the signal says when it is aborted.
   */
  async result(id: string, options: WaitOptions = {}): Promise<unknown> {
    const { waiters, runtime } = this.#options;
    const key = canonicalTaskId(id);
    for (;;) {
      options.signal?.throwIfAborted();
      // Listening begins before looking, so that an end in between is not missed.
      const ended = waiters.wait(key, options.signal);
      ended.catch(() => undefined);
      this.#listen();
      const task = await runtime.store.tasks.getTask(key);
      if (task === null || isEndedTask(task.state)) {
        waiters.ended(key);
        return resultOf(key, task);
      }
      await ended;
    }
  }

  #listen(): void {
    const { waiters, changes } = this.#options;
    this.#unlisten ??= changes.listen(async () => {
      await waiters.look();
      if (waiters.size > 0) return;
      this.#unlisten?.();
      this.#unlisten = null;
    });
  }

  get(id: string): Promise<Task | null> {
    return this.#options.runtime.store.tasks.getTask(canonicalTaskId(id));
  }

  /** Newest first; see `TaskPage` for the next page. Default limit 100. */
  list(filter: TaskFilter = {}, page: Partial<TaskPage> = {}): Promise<readonly Task[]> {
    return this.#options.runtime.store.tasks.listTasks(filter, { limit: 100, ...page });
  }

  /** Ends a task that waits at once; asks the handler of a running one to stop. Errors: `task_not_found`. */
  async cancel(id: string, by = "library"): Promise<Task> {
    const key = canonicalTaskId(id);
    return known(key, await this.#options.runtime.store.tasks.requestTaskCancel(key, by));
  }

  /** Queues a failed or cancelled task again. Errors: `task_not_found`, `invalid_state` for any other state. */
  async retry(id: string): Promise<Task> {
    const { tasks } = this.#options.runtime.store;
    const key = canonicalTaskId(id);
    const retried = await tasks.retryTask(key);
    this.#options.onSubmitted();
    if (retried !== null) return retried;
    const { state } = known(key, await tasks.getTask(key));
    throw new WaybillError("invalid_state", `Task ${key} is ${state}; only a failed or cancelled one is retried.`);
  }

  /** Queues the failed tasks of a type, or of all, again, each once. @returns how many */
  async retryFailed(type?: string): Promise<number> {
    const { tasks } = this.#options.runtime.store;
    let count = 0;
    for (let after: number | null = 0; after !== null; ) {
      const { retried, next }: RetriedTasks = await tasks.retryFailed(
        type === undefined ? null : [type],
        after,
        RETRIED_AT_ONCE,
      );
      this.#options.onSubmitted();
      count += retried;
      after = next;
    }
    return count;
  }

  /** Forgets a task; a running one is told to stop, and can record nothing more. False when it was unknown. */
  remove(id: string): Promise<boolean> {
    return this.#options.runtime.store.tasks.removeTask(canonicalTaskId(id));
  }

  attempts(id: string): Promise<readonly Attempt[]> {
    return this.#options.runtime.store.attempts.listAttempts(canonicalTaskId(id));
  }

  /** What the task has done in its present run. */
  steps(id: string): Promise<readonly Step[]> {
    return this.#options.runtime.store.steps.listSteps(canonicalTaskId(id));
  }

  /** The newest lines of its log, oldest first. Default limit 1,000. */
  log(id: string, limit = 1_000): Promise<readonly TaskLogLine[]> {
    return this.#options.runtime.store.steps.readTaskLog(canonicalTaskId(id), limit);
  }

  /** No task of the type begins any more, in any engine; what runs goes on. */
  pause(type: string): Promise<Queue> {
    return this.#options.runtime.store.queues.pauseQueue(type, true);
  }

  async resume(type: string): Promise<Queue> {
    const queue = await this.#options.runtime.store.queues.pauseQueue(type, false);
    this.#options.onSubmitted();
    return queue;
  }

  /** Every schedule of the store, also those that no definition has any more. */
  schedules(): Promise<readonly Schedule[]> {
    return this.#options.runtime.store.schedules.listSchedules();
  }

  /** It makes no tasks any more until it is resumed; null when there is none of that name. */
  pauseSchedule(name: string): Promise<Schedule | null> {
    return this.#options.runtime.store.schedules.pauseSchedule(name, true);
  }

  /** It goes on with its next time; what was missed meanwhile is judged by its `catchUp`. Null when there is none of that name. */
  resumeSchedule(name: string): Promise<Schedule | null> {
    return this.#options.runtime.store.schedules.pauseSchedule(name, false);
  }

  /** Forgets a schedule; an engine that still defines it makes it again when it starts. False when there was none. */
  removeSchedule(name: string): Promise<boolean> {
    return this.#options.runtime.store.schedules.removeSchedule(name);
  }

  stats(): Promise<readonly TypeStats[]> {
    return this.#options.runtime.store.tasks.taskStats();
  }
}

const ITEMS = "a list, of an object each with params and any options of submit";
const RETRIED_AT_ONCE = 500;

function known(id: string, task: Task | null): Task {
  if (task !== null) return task;
  throw new WaybillError("task_not_found", `There is no task ${id}.`, { details: { id } });
}

function resultOf(id: string, task: Task | null): unknown {
  const { state, result, failure } = known(id, task);
  if (state === "completed") return result;
  const code = state === "cancelled" ? "cancelled" : "task_failed";
  const message = failure?.message ?? "nothing was recorded";
  throw new WaybillError(code, `Task ${id} ${state === "cancelled" ? "was cancelled" : "failed"}: ${message}`, {
    details: { id, state, failure },
  });
}
