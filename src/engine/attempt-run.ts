/** One attempt, from its start to the end that is recorded. It ends once, whether its handler settles or not. */
import { firstLimit } from "../domain/attempt-limit.js";
import { DELAY, wholeDelay } from "../domain/delay.js";
import { WaybillError } from "../domain/errors.js";
import { LONGEST_TIMER_MS } from "../domain/longest-timer.js";
import { retryDelay } from "../domain/retry.js";
import { type PersonGate, plainFailure } from "../domain/task.js";
import type { AttemptEnd, ClaimedTask, EndRequest } from "../store/attempt-store.js";
import { AttemptContext } from "./attempt-context.js";
import { checkSchema } from "./check-schema.js";
import { isSuspended } from "./handler-errors.js";
import { type Interruption, isTakenAway, reasonOf } from "./interruption.js";
import { runIsolated } from "./isolate.js";
import type { EngineRuntime } from "./runtime.js";
import { shown } from "./shown.js";
import { toJson } from "./submission.js";
import type { TaskDefinition } from "./task-definition.js";
import { factsOf, failureOf, questionOf, snoozedFor } from "./thrown.js";
import { timedOut } from "./timed-out.js";
import { Verdict, type VerdictEnd } from "./verdict.js";

type Settled =
  | { readonly as: "returned"; readonly result: string }
  | { readonly as: "threw"; readonly error: unknown }
  | { readonly as: "judged"; readonly verdict: Verdict };

/** What is recorded of an attempt that is over; null when somebody has recorded its end before. */
export type AttemptOutcome = Pick<EndRequest, "end" | "verdict"> | null;

export class AttemptRun {
  readonly task: ClaimedTask;
  readonly #runtime: EngineRuntime;
  readonly #definition: TaskDefinition;
  readonly #context: AttemptContext;
  #interruption: Interruption | null = null;
  /** Null before it is executed, and once it has ended. */
  #end: ((outcome: AttemptOutcome) => void) | null = null;
  #timeoutAt: number | null = null;
  #limit: NodeJS.Timeout | null = null;
  #grace: NodeJS.Timeout | null = null;

  constructor(runtime: EngineRuntime, definition: TaskDefinition, task: ClaimedTask) {
    this.task = task;
    this.#runtime = runtime;
    this.#definition = definition;
    this.#context = new AttemptContext(runtime, task, () => this.interrupt("lost"));
  }

  get interruption(): Interruption | null {
    return this.#interruption;
  }

  /** Tells the handler to stop. After the grace time the attempt ends without it. */
  interrupt(why: Interruption): void {
    if (this.#interruption !== null) return;
    this.#interruption = why;
    this.#context.interrupt(reasonOf(why));
    this.#grace = setTimeout(() => this.#finish({ as: "threw", error: null }), this.#runtime.abortGraceMs);
  }

  /** Executes the handler; never rejects. */
  execute(): Promise<AttemptOutcome> {
    return new Promise((resolve) => {
      this.#end = resolve;
      void this.#settle();
    });
  }

  #outcomeOf(settled: Settled): AttemptOutcome {
    if (settled.as === "threw") return { end: this.#endOf(settled.error) };
    // Nothing is stored for nothing: it is read as null all the same.
    if (settled.as === "returned") {
      return { end: { state: "succeeded", result: settled.result === "null" ? null : settled.result } };
    }
    const { verdict } = settled;
    return verdict.end.as === "recorded" ? null : { end: this.#judged(verdict, verdict.end), verdict: verdict.result };
  }

  #judged({ result }: Verdict, end: Exclude<VerdictEnd, { as: "recorded" }>): AttemptEnd {
    switch (end.as) {
      case "completed":
        return { state: "succeeded", result };
      case "failed":
        return this.#endOf(end.error);
      case "lost": {
        const { failure } = end;
        if (this.#interruption !== null) return this.#endOf(null);
        return { state: "lost", failure, quarantineAfter: this.#runtime.quarantineAfter };
      }
      case "waiting":
        return this.#waiting(end.for, end.question);
      case "cancelled":
        return { state: "cancelled", failure: end.failure };
      case "returned":
        return { state: "returned", reason: end.reason, delayMs: end.delayMs };
    }
  }

  #waiting(gate: PersonGate, question: string): AttemptEnd {
    return { state: "waiting", for: gate, question, author: this.#runtime.enrolment?.agentId ?? "engine" };
  }

  /** Sets the timer of its limit, unless it is over. Not before the turn is: a handler that is over by then never costs one. */
  armLimit(): void {
    if (this.#end === null) return;
    const timeoutMs = this.task.timeoutMs ?? this.#definition.timeoutMs;
    const { deadlineAt } = this.task;
    if (timeoutMs === null && deadlineAt === null) return;
    const now = this.#runtime.clock();
    this.#timeoutAt ??= timeoutMs === null ? null : now + timeoutMs;
    const limit = firstLimit(this.#timeoutAt, deadlineAt);
    if (limit === null) return;
    const ms = Math.max(0, limit.at - now);
    this.#limit =
      ms > LONGEST_TIMER_MS
        ? setTimeout(() => this.armLimit(), LONGEST_TIMER_MS)
        : setTimeout(() => this.interrupt(limit.of), ms);
  }

  async #settle(): Promise<void> {
    try {
      const value = await this.#runtime.around(this.task, this.#handle);
      if (this.#context.suspended !== null) throw this.#context.suspended;
      this.#finish(
        value instanceof Verdict
          ? { as: "judged", verdict: value }
          : { as: "returned", result: await this.#toResult(value) },
      );
    } catch (error) {
      this.#finish({ as: "threw", error });
    }
  }

  /** The first end counts: the handler's, or that of one which did not settle in its grace time. */
  #finish(settled: Settled): void {
    const resolve = this.#end;
    if (resolve === null) return;
    this.#end = null;
    if (this.#limit !== null) clearTimeout(this.#limit);
    if (this.#grace !== null) clearTimeout(this.#grace);
    const told = (): void => resolve(isTakenAway(this.#interruption) ? null : this.#outcomeOf(settled));
    const logged = this.#context.flush();
    if (logged === null) told();
    else void logged.then(told);
  }

  readonly #handle = async (): Promise<unknown> => {
    const what = `The params of task ${this.task.id}`;
    const given: unknown = JSON.parse(this.task.params);
    const params = await checkSchema(this.#definition.paramsSchema, given, what, "invalid_input");
    const { isolate } = this.#definition;
    // In its thread an isolated handler checks for itself: a schema's output need not survive the way there.
    if (isolate !== null) return runIsolated(isolate, given, this.#context, this.#runtime.abortGraceMs);
    return this.#definition.run(params, this.#context);
  };

  async #toResult(value: unknown): Promise<string> {
    const what = `The result of "${this.task.type}"`;
    const checked = await checkSchema(this.#definition.resultSchema, value, what, "invalid_result");
    return toJson(checked, what, "invalid_result");
  }

  #endOf(error: unknown): AttemptEnd {
    switch (this.#interruption) {
      case "cancel":
      case "removed":
        return { state: "cancelled", failure: plainFailure("cancelled", "It was asked to end while it ran.") };
      case "superseded":
      case "shutdown":
      case "lost":
        return { state: "returned", reason: "shutdown", delayMs: null };
      case "deadline":
      case "timeout": {
        const timeoutMs = this.task.timeoutMs ?? this.#definition.timeoutMs;
        return timedOut(this.#interruption, timeoutMs, this.#retryMs(reasonOf(this.#interruption)));
      }
      case null:
        return this.#failed(error);
    }
  }

  #failed(thrown: unknown): AttemptEnd {
    const error = this.#context.suspended ?? thrown;
    const question = questionOf(error);
    if (question !== null) return this.#waiting("answer", question);
    const snoozeMs = snoozedFor(error);
    if (snoozeMs !== null) return { state: "returned", reason: "snoozed", delayMs: snoozeMs };
    if (isSuspended(error)) return { state: "returned", reason: "sleeping", delayMs: error.ms };
    return { state: "failed", failure: failureOf(error), retryMs: this.#retryMs(error) };
  }

  #retryMs(error: unknown): number | null {
    const { retry, retryDelay: custom } = this.#definition;
    const { failures, maxAttempts } = this.task;
    const facts = factsOf(error);
    const delay = retryDelay(retry, facts, failures + 1, maxAttempts, this.#runtime.random());
    if (delay === null || custom === null || facts.retryAfterMs !== null) return delay;
    try {
      const own = custom(failures + 1, error);
      const ownMs = wholeDelay(own);
      if (own === null || ownMs !== null) return ownMs;
      throw new WaybillError("task_failed", `retry.delay answered with ${shown(own)}; expected ${DELAY}, or null.`);
    } catch (fault) {
      this.#runtime.log("task.retry_delay_failed", { id: this.task.id, error: failureOf(fault).message });
      return delay;
    }
  }
}
