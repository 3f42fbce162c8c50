/** The context of one attempt. Every write presents the attempt's guard, and learns so when it was superseded. */
import { setTimeout as wait } from "node:timers/promises";
import type { AttemptGuard } from "../domain/attempt.js";
import type { JsonValue } from "../domain/canonical-json.js";
import { DELAY, wholeDelay } from "../domain/delay.js";
import { WaybillError } from "../domain/errors.js";
import type { PathScope } from "../domain/path-scope.js";
import { isEndedTask } from "../domain/task.js";
import type { AttemptWrite, ClaimedTask } from "../store/attempt-store.js";
import { Suspended } from "./handler-errors.js";
import { refuseValue } from "./option-rules.js";
import type { EngineRuntime } from "./runtime.js";
import { shown } from "./shown.js";
import { StepMemory } from "./step-memory.js";
import { prepareSubmission, type SubmitOptions, type Submittable, toJson } from "./submission.js";
import type { DependencyEnd, GivenAnswer, StepScope, TaskContext } from "./task-context.js";

/** A sleep up to this long is waited for in place; a longer one gives the slot to others; milliseconds. */
const SHORT_SLEEP_MS = 1_000;
/** Lines are kept up to this length; characters. */
const LONGEST_LINE = 65_536;

const NOTES_AT_ONCE = 500;

type BegunStep =
  | { readonly known: true; readonly value: unknown }
  | { readonly known: false; readonly startedAt: number };

export class AttemptContext implements TaskContext {
  readonly #runtime: EngineRuntime;
  readonly #task: ClaimedTask;
  readonly #onStale: () => void;
  readonly #guard: AttemptGuard;
  #stepMemory: StepMemory | null = null;
  #abort: AbortController | null = null;
  #suspended: Suspended | null = null;
  #lines: string[] = [];
  #logged: Promise<void> | null = null;

  /** @param onStale called when a write was refused. */
  constructor(runtime: EngineRuntime, task: ClaimedTask, onStale: () => void) {
    this.#runtime = runtime;
    this.#task = task;
    this.#onStale = onStale;
    this.#guard = { taskId: task.id, sequence: task.sequence, attempt: task.attempt, fence: task.fence };
  }

  get #memory(): StepMemory {
    this.#stepMemory ??= new StepMemory(this.#runtime.store.steps, this.#guard);
    return this.#stepMemory;
  }

  get taskId(): string {
    return this.#task.id;
  }
  get type(): string {
    return this.#task.type;
  }
  get attempt(): number {
    return this.#task.attempt;
  }
  get run(): number {
    return this.#task.run;
  }
  get failures(): number {
    return this.#task.failures;
  }
  get fence(): number {
    return this.#task.fence;
  }
  get parentId(): string | null {
    return this.#task.parentId;
  }
  get tags(): readonly string[] {
    return this.#task.tags;
  }
  get paths(): readonly PathScope[] {
    return this.#task.paths;
  }
  get trace(): string | null {
    return this.#task.trace;
  }

  /** Made when it is first asked for: most handlers are over before. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Aborts the signal, now or when it is asked for. */
  interrupt(reason: WaybillError): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(reason);
  }

  step<T>(name: string, work: (scope: StepScope) => T | Promise<T>): Promise<T> {
    return this.#step(name, work);
  }

  async #step<T>(path: string, work: (scope: StepScope) => T | Promise<T>): Promise<T> {
    const begun = await this.beginStep(path);
    if (begun.known) return begun.value as T;
    const nested: StepScope = { step: (name, inner) => this.#step(`${path}/${name}`, inner) };
    return (await this.endStep(path, begun.startedAt, await work(nested))) as T;
  }

  /** The first half of a step: its result when the task has done it, else that it has to be done. */
  async beginStep(path: string): Promise<BegunStep> {
    const known = await this.#memory.recall(path);
    if (known !== null) return { known: true, value: JSON.parse(known.result) };
    this.#abort?.signal.throwIfAborted();
    return { known: false, startedAt: this.#runtime.clock() };
  }

  /** The second half. @returns the result as later attempts will get it */
  async endStep(path: string, startedAt: number, value: unknown): Promise<unknown> {
    const result = toJson(value, `The result of the step "${path}"`, "invalid_result");
    const step = { name: path, kind: "step", startedAt, result } as const;
    return JSON.parse((await this.#fenced(this.#runtime.store.steps.recordStep(this.#guard, step))).result);
  }

  async sleep(name: string, ms: number): Promise<void> {
    const until = await this.#wakeTime(name, ms);
    // A time that an earlier version stored may have a fraction.
    const left = Math.ceil(until - this.#runtime.clock());
    if (left <= 0) return;
    if (left > SHORT_SLEEP_MS) {
      this.#suspended = new Suspended(left);
      throw this.#suspended;
    }
    await wait(left, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
  }

  async #wakeTime(name: string, ms: number): Promise<number> {
    const known = await this.#memory.recall(name);
    if (known !== null) return Number(known.result);
    const wholeMs = wholeDelay(ms);
    if (wholeMs === null) {
      throw new WaybillError("task_failed", `The sleep "${name}" is ${shown(ms)}; expected ${DELAY}.`);
    }
    const startedAt = this.#runtime.clock();
    const result = String(startedAt + wholeMs);
    const step = { name, kind: "sleep", startedAt, result } as const;
    return Number((await this.#fenced(this.#runtime.store.steps.recordStep(this.#guard, step))).result);
  }

  async progress(value: JsonValue): Promise<void> {
    const text = toJson(value, "The progress", "invalid_input");
    await this.#fenced(this.#runtime.store.steps.recordProgress(this.#guard, text));
  }

  log(line: string): void {
    this.#lines.push(shown(line).slice(0, LONGEST_LINE));
    if (this.#lines.length === 1) this.#logged = (this.#logged ?? Promise.resolve()).then(() => this.#writeLog());
  }

  async #writeLog(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    try {
      await this.#fenced(this.#runtime.store.steps.appendTaskLog(this.#guard, lines));
    } catch (error) {
      // A line is not worth an attempt: what the store could not take is told where the engine logs.
      this.#runtime.log("task.log_failed", { id: this.taskId, error: (error as Error).message });
    }
  }

  /** The sleep that ended this attempt, whatever its handler made of the error. */
  get suspended(): Suspended | null {
    return this.#suspended;
  }

  /** Resolves when every line is written, or refused; null when there was none. */
  flush(): Promise<void> | null {
    return this.#logged;
  }

  async heartbeat(): Promise<void> {
    await this.#fenced(this.#runtime.store.attempts.confirmAttempt(this.#guard));
  }

  async spawn<Input>(
    name: string,
    task: Submittable<Input>,
    params: NoInfer<Input>,
    options: SubmitOptions = {},
  ): Promise<string> {
    const [id] = await this.spawnMany(name, task, [params], options);
    if (id === undefined) throw new WaybillError("internal", `The child task "${name}" has no id.`);
    return id;
  }

  async spawnMany<Input>(
    name: string,
    task: Submittable<Input>,
    params: readonly NoInfer<Input>[],
    options: SubmitOptions = {},
  ): Promise<readonly string[]> {
    if (!Array.isArray(params))
      refuseValue(params, { path: "params", owner: "spawnMany" }, "a list, of params for each");
    const known = await this.#memory.recall(name);
    if (known !== null) return (JSON.parse(known.result) as { id: string }[]).map(({ id }) => id);
    const facts = { newId: this.#runtime.newId, parentId: this.taskId };
    const trace = this.trace === null ? {} : { trace: this.trace };
    const tasks = await Promise.all(params.map((one) => prepareSubmission(task, one, { ...trace, ...options }, facts)));
    const children = await this.#fenced(this.#runtime.store.steps.spawnTasks(this.#guard, { name }, tasks));
    return children.map(({ id }) => id);
  }

  async dependencies(): Promise<readonly DependencyEnd[]> {
    const { tasks } = this.#runtime.store;
    const ids = (await tasks.dependenciesOf(this.taskId)).map(({ id }) => id);
    const found = await tasks.getTasks(ids);
    return ids.map((id) => {
      const task = found.get(id);
      if (task === undefined || !isEndedTask(task.state)) return { id, state: null, result: null, failure: null };
      return { id, state: task.state, result: task.result, failure: task.failure };
    });
  }

  async answers(): Promise<readonly GivenAnswer[]> {
    const given: GivenAnswer[] = [];
    for (let after = 0; ; ) {
      const notes = await this.#runtime.store.notes.listNotes(this.taskId, { after, limit: NOTES_AT_ONCE });
      for (const { kind, at, author, text } of notes) if (kind === "answer") given.push({ at, by: author, text });
      const last = notes.at(-1);
      if (last === undefined || notes.length < NOTES_AT_ONCE) return given;
      after = last.number;
    }
  }

  async #fenced<T>(write: Promise<AttemptWrite<T>>): Promise<T> {
    const answer = await write;
    if (answer.written) return answer.value;
    this.#onStale();
    throw new WaybillError(
      "stale_write",
      `Attempt ${this.attempt} of task ${this.taskId} is no longer the running one.`,
      {
        hint: "Another engine has it, or it was removed; what this handler does from here on counts for nothing.",
        details: { id: this.taskId, attempt: this.attempt, refusal: answer.refusal },
      },
    );
  }
}
