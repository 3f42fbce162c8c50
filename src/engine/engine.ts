/** An engine: executes tasks of the types that it knows, under one lease, until it is stopped. */
import { WaybillError } from "../domain/errors.js";
import { isEndedTask } from "../domain/task.js";
import type { ClaimedTask } from "../store/attempt-store.js";
import { type AttemptCounts, AttemptEnds } from "./attempt-ends.js";
import { type AttemptOutcome, AttemptRun } from "./attempt-run.js";
import { ChangeLoop } from "./change-loop.js";
import { ClaimLoop } from "./claim-loop.js";
import { EngineLease } from "./engine-lease.js";
import { Housekeeper } from "./housekeeper.js";
import { ResultWaiters } from "./result-waiters.js";
import type { EngineRuntime } from "./runtime.js";
import { ScheduleRunner } from "./schedule-runner.js";
import { TaskClient } from "./task-client.js";

/** How long `stop` lets handlers finish before it tells them to stop; milliseconds. */
const DEFAULT_GRACE_MS = 10_000;
/** Dead engines of this host are looked for this often, and at least so often within a lease. */
const LONGEST_SWEEP_MS = 1_000;
const SWEEPS_PER_LEASE = 4;

export interface StopOptions {
  readonly graceMs?: number;
  readonly hurry?: AbortSignal;
}

/** The counts are of attempts of this engine since it was opened. */
export interface EngineStatus extends Readonly<AttemptCounts> {
  readonly state: "stopped" | "running" | "stopping";
  /** Handlers under way, and tasks claimed ahead. */
  readonly running: number;
  readonly claimedAhead: number;
  /** The fence of its lease; null while it has none. */
  readonly fence: number | null;
  readonly types: readonly string[];
}

export class Engine {
  /** Submits, waits for and looks after tasks; of use before `start` and after `stop` too. */
  readonly tasks: TaskClient;
  readonly #runtime: EngineRuntime;
  readonly #onClose: () => Promise<void>;
  readonly #waiters: ResultWaiters;
  readonly #changes: ChangeLoop;
  readonly #ends: AttemptEnds;
  readonly #schedules: ScheduleRunner;
  readonly #house: Housekeeper;
  readonly #claims: ClaimLoop;
  readonly #runs = new Map<number, AttemptRun>();
  /** Begun in this turn: those that are not over by its end get the timer of their limit. */
  #fresh: AttemptRun[] = [];
  /** Called at every end of a handler, and when one was recorded. */
  #onEnd: (() => void) | null = null;
  #state: EngineStatus["state"] = "stopped";
  #lease: EngineLease | null = null;
  #unlisten: (() => void) | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #sweeping: Promise<void> | null = null;
  #scheduler: NodeJS.Timeout | null = null;

  /** @param onClose closes what was opened for the engine alone. */
  constructor(runtime: EngineRuntime, onClose: () => Promise<void>) {
    this.#runtime = runtime;
    this.#onClose = onClose;
    this.#waiters = new ResultWaiters(runtime.store.tasks);
    this.#changes = new ChangeLoop(runtime.store.events, runtime.log);
    this.#ends = new AttemptEnds(runtime);
    this.#schedules = new ScheduleRunner(runtime);
    this.#house = new Housekeeper(runtime, (taken) => {
      runtime.observe({ kind: "taken_back", ...taken });
      this.#claims.wake();
    });
    this.tasks = new TaskClient({
      runtime,
      waiters: this.#waiters,
      changes: this.#changes,
      onSubmitting: (tasks) => {
        if (tasks.some(({ type }) => runtime.definitions.has(type))) this.#claims.expectWork();
      },
      onSubmitted: () => this.#claims.wake(),
    });
    this.#claims = new ClaimLoop({
      runtime,
      owner: () => this.#lease?.lease ?? null,
      execute: (task) => this.#execute(task),
      unrecorded: () => this.#ends.unrecorded,
      onLost: (owner) => {
        if (this.#lease?.lease === owner) this.#loseLease();
      },
    });
  }

  /** Takes back what dead engines left, and begins to execute. Errors: `invalid_state` unless it is stopped, and the store's. */
  async start(): Promise<void> {
    if (this.#state !== "stopped") throw new WaybillError("invalid_state", `The engine is ${this.#state}.`);
    this.#state = "running";
    this.#ends.patient = true;
    try {
      await this.#prepare();
    } catch (error) {
      this.#state = "stopped";
      throw error;
    }
    this.#unlisten = this.#changes.listen(() => this.#look());
    const sweepMs = Math.min(LONGEST_SWEEP_MS, Math.ceil(this.#runtime.leaseMs / SWEEPS_PER_LEASE));
    this.#sweeper = setInterval(() => void this.#sweep(), sweepMs);
    this.#claims.open();
    await this.#runSchedules();
  }

  async #prepare(): Promise<void> {
    const { store, definitions, enrolment } = this.#runtime;
    const limits = [...definitions.values()].map(({ type, concurrency, keyConcurrency, rateLimit, keyRateLimit }) => {
      return { type, concurrency, keyConcurrency, rate: rateLimit, keyRate: keyRateLimit };
    });
    // A worker executes what others have defined: the limits are theirs to say.
    if (enrolment === null) await store.queues.setQueueLimits(limits);
    await this.#schedules.register();
    await this.#takeLease();
    await this.#house.takeBack(this.#lease?.lease.name ?? null);
  }

  /**
   * Claims nothing more, waits for handlers up to `graceMs` milliseconds (default 10,000), then tells them to stop, and
   * gives back what they did not finish, uncounted. Idempotent. Once `hurry` is aborted the time is over, the store's too.
   */
  async stop({ graceMs = DEFAULT_GRACE_MS, hurry }: StopOptions = {}): Promise<void> {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    for (const timer of [this.#sweeper, this.#scheduler]) if (timer !== null) clearTimeout(timer);
    await this.#sweeping;
    const returned = (await this.#claims.close()).map((task) => this.#giveBack(task));
    await this.#settled(graceMs, hurry);
    for (const run of this.#runs.values()) run.interrupt("shutdown");
    // An interrupted attempt ends after its grace time, whatever its handler does; its lease ends what is not recorded then.
    while (this.#runs.size + this.#ends.unrecorded > 0) {
      await this.#settled(this.#runtime.abortGraceMs);
      this.#ends.patient = hurry?.aborted !== true;
    }
    await Promise.all(returned);
    this.#unlisten?.();
    await this.#releaseLease();
    this.#state = "stopped";
  }

  /** Stops, and closes the store if the engine opened it. */
  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.stop(options);
    this.#waiters.close();
    await this.#onClose();
  }

  status(): EngineStatus {
    return {
      state: this.#state,
      running: this.#claims.running,
      claimedAhead: this.#claims.claimedAhead,
      ...this.#ends.counts,
      fence: this.#lease?.lease.fence ?? null,
      types: [...this.#runtime.definitions.keys()],
    };
  }

  async #giveBack(task: ClaimedTask): Promise<void> {
    await this.#ends.record(task, { end: { state: "returned", reason: "shutdown", delayMs: null } }, () => false);
  }

  /** Resolves when nothing runs and nothing waits to be recorded, or when the time is over. */
  async #settled(ms: number, hurry?: AbortSignal): Promise<void> {
    if (hurry?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      hurry?.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
      this.#onEnd = () => {
        if (this.#runs.size + this.#ends.unrecorded > 0) return;
        clearTimeout(timer);
        resolve();
      };
      this.#onEnd();
    });
    this.#onEnd = null;
  }

  async #takeLease(): Promise<void> {
    this.#lease = await EngineLease.take(this.#runtime, () => this.#loseLease());
    this.#ends.givenUp = 0;
  }

  async #releaseLease(): Promise<void> {
    const lease = this.#lease;
    this.#lease = null;
    try {
      // Only of a lease that expires is it taken back what nobody has recorded: of one that was given back nothing is left.
      await (this.#ends.givenUp > 0 ? lease?.drop() : lease?.release());
    } catch (error) {
      // Nothing runs under it any more; it is over soon without being given back.
      this.#runtime.log("engine.release_failed", { error: (error as Error).message });
    }
  }

  /** Others may have what ran here: it is told to stop, and the engine begins again under a new lease. */
  #loseLease(): void {
    const lost = this.#lease;
    if (lost === null) return;
    this.#lease = null;
    void lost.drop();
    this.#runtime.log("engine.lease_lost", { name: lost.lease.name, fence: lost.lease.fence });
    this.#claims.drop();
    for (const run of this.#runs.values()) run.interrupt("lost");
    if (this.#state === "running") void this.#sweep();
  }

  /** Looks for dead engines, and for a lease of its own if it has lost one; one look at a time. */
  #sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepOnce().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweepOnce(): Promise<void> {
    try {
      if (this.#lease === null) {
        await this.#takeLease();
        if (this.#state === "running") this.#claims.open();
      }
      await this.#house.takeBack(this.#lease?.lease.name ?? null);
      await this.#house.clean();
    } catch (error) {
      this.#runtime.log("engine.sweep_failed", { error: (error as Error).message });
    }
  }

  /** Something may have changed: tasks to claim, attempts to stop, schedules to fire. */
  async #look(): Promise<void> {
    this.#claims.wake();
    await this.#readSignals();
  }

  async #readSignals(): Promise<void> {
    const owner = this.#lease?.lease.fence;
    if (owner === undefined) return;
    const { attempts } = this.#runtime.store;
    const signals = await attempts.readSignals(owner);
    const orphans: number[] = [];
    for (const { fence, signal } of signals) {
      this.#runs.get(fence)?.interrupt(signal);
      if (signal === "cancel") continue;
      this.#claims.forget(fence);
      orphans.push(fence);
    }
    if (orphans.length > 0) await attempts.clearSignals(owner, orphans);
  }

  async #runSchedules(): Promise<void> {
    if (this.#state !== "running") return;
    let next: number | null = null;
    try {
      next = await this.#schedules.run();
    } catch (error) {
      this.#runtime.log("engine.schedule_failed", { error: (error as Error).message });
    }
    if (this.#state !== "running") return;
    this.#claims.wake();
    const ms = next === null ? LONGEST_SWEEP_MS : Math.max(1, next - this.#runtime.clock());
    this.#scheduler = setTimeout(() => void this.#runSchedules(), Math.min(LONGEST_SWEEP_MS, ms));
  }

  /** Resolves when the handler is done; its end is recorded meanwhile, together with those of others. */
  async #execute(task: ClaimedTask): Promise<void> {
    const definition = this.#runtime.definitions.get(task.type);
    if (definition === undefined) return await this.#giveBack(task);
    const run = new AttemptRun(this.#runtime, definition, task);
    this.#runs.set(task.fence, run);
    const startedAt = performance.now();
    const waitedMs = this.#runtime.clock() - task.submittedAt;
    this.#runtime.observe({ kind: "started", type: task.type, waitedMs });
    if (this.#fresh.push(run) === 1) setImmediate(() => this.#armLimits());
    const outcome = await run.execute();
    this.#runs.delete(task.fence);
    void this.#record(task, outcome, performance.now() - startedAt);
    this.#onEnd?.();
  }

  #armLimits(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const run of fresh) run.armLimit();
  }

  async #record(task: ClaimedTask, outcome: AttemptOutcome, durationMs: number): Promise<void> {
    const owner = this.#lease;
    const state = await this.#ends.settle(task, outcome, durationMs, () => this.#lease === owner);
    if (state !== null && isEndedTask(state)) this.#waiters.ended(task.id);
    this.#claims.wake();
    this.#onEnd?.();
  }
}
