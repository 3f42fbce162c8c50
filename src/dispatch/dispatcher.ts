/**
 * The loop that keeps a scope going: gives queued runs their slot, back-fills batches, drives every run that nobody
 * living drives, and ends when its scope has nothing left to do.
 *
 * It holds no state that matters. Killed at any point, another one reads the same store and goes on.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorCode, WaybillError } from "../domain/errors.js";
import { attemptDirName, type MachineSpec } from "../domain/machine.js";
import { type Run, waitsForSlot } from "../domain/run.js";
import { backFill } from "./back-fill.js";
import { type DispatchScope, isInScope, isReachable } from "./dispatch-scope.js";
import type { Caller } from "./drive.js";
import { driveRun } from "./drive-run.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { canStart } from "./program-environment.js";
import type { Runtime } from "./runtime.js";
import { visitStray } from "./visit-stray.js";

/** How long a run is left alone after a drive that failed or found the machine full: doubling. */
const RETRY_MS = { first: 500, most: 30_000 } as const;
/** A drive that went on for longer had contact, so that its failure is the first of a new row: longer than any single request. */
const HELD_MS = 60_000;
/** How long until it is looked again whether whoever drives a run still lives. */
const ELSEWHERE_MS = 1_000;
/** What a further try does not mend while nobody makes room or gives leave. */
const STORE_FAILURES: readonly ErrorCode[] = ["store_full", "store_unwritable", "store_corrupt"];
/** Upper bound between two looks; news in the store wakes the loop at once. */
const LOOK_MS = 1_000;

export interface DispatcherOptions {
  readonly scope: DispatchScope;
  readonly purpose: string;
  /** The machines that a batch may use; read again at each look, so that an edited inventory counts. */
  readonly machines: () => Promise<readonly MachineSpec[]>;
  /** Whether a look that fails is logged and made again after a rest (a dispatcher), or fails `run` (somebody looks on). */
  readonly patient: boolean;
  /** Of a scope of one run that is a command: this process was called with it. */
  readonly caller?: Caller | undefined;
}

export class Dispatcher {
  readonly #runtime: Runtime;
  readonly #keeper: LeaseKeeper;
  readonly #options: DispatcherOptions;
  readonly #driving = new Map<string, Promise<void>>();
  #storeFailure: WaybillError | null = null;
  readonly #resting = new Map<string, { until: number; delay: number }>();

  constructor(runtime: Runtime, keeper: LeaseKeeper, options: DispatcherOptions) {
    this.#runtime = runtime;
    this.#keeper = keeper;
    this.#options = options;
  }

  /** Works until the scope is done or `signal` says stop. What it drives then is left to the next driver. */
  async run(signal: AbortSignal): Promise<void> {
    let restMs: number = RETRY_MS.first;
    while (!signal.aborted) {
      try {
        const busy = await this.tick(signal);
        if (this.#storeFailure !== null) throw this.#storeFailure;
        if (!busy) break;
        await this.#runtime.store.events.waitForChange(LOOK_MS, signal);
        restMs = RETRY_MS.first;
      } catch (error) {
        this.#bear(error);
        await pause(restMs, signal);
        restMs = Math.min(2 * restMs, RETRY_MS.most);
      }
    }
    await Promise.all(this.#driving.values());
  }

  /** Whether the scope has something left to do; a patient dispatcher that cannot know takes it that it has. */
  async hasMore(): Promise<boolean> {
    try {
      return await this.tick(AbortSignal.abort());
    } catch (error) {
      this.#bear(error);
      return true;
    }
  }

  /** An inventory in the middle of an edit, a full disk: somebody mends it, and nobody would start the dispatcher again. */
  #bear(error: unknown): void {
    if (!this.#options.patient) throw error;
    const code = error instanceof WaybillError ? error.code : "internal";
    this.#runtime.log("dispatch.look_failed", { code, error: error instanceof Error ? error.message : String(error) });
  }

  /** One look at the scope, acting on what it finds. @returns whether anything is left to do or to wait for. */
  async tick(signal: AbortSignal): Promise<boolean> {
    await this.#placeQueued();
    await this.#visitStrays(signal);
    const waiting = await this.#backFill();
    const runs = (await this.#runtime.store.runs.activeRuns()).filter((run) => this.#isMine(run));
    for (const run of runs) if (!waitsForSlot(run)) this.#startDriving(run, signal);
    return waiting || runs.length > 0 || this.#driving.size > 0;
  }

  /** In scope, and not waiting for somebody whose environment has the variables that it is to be started with. */
  #isMine(run: Run): boolean {
    if (!isInScope(this.#options.scope, run, this.#runtime.holder)) return false;
    return canStart(run, this.#runtime.environment);
  }

  /**
   * Places what this process could start itself: a run that was given a slot and that nobody can start would keep all
   * others from the machine. So whoever lacks its variables passes it over, and its own submitter places it.
   */
  async #placeQueued(): Promise<void> {
    const { store, holder, environment } = this.#runtime;
    const full = new Set<string>();
    const passOver: string[] = [];
    for (const run of await store.runs.activeRuns()) {
      if (!waitsForSlot(run) || full.has(run.machine)) continue;
      if (!isReachable(run, holder) || !canStart(run, environment)) passOver.push(run.id);
      else if ((await store.runs.placeRun(run.id, run.request.target.slots, passOver)) === null) full.add(run.machine);
    }
  }

  /** @returns whether items are still to be decided that this process can decide. */
  async #backFill(): Promise<boolean> {
    if (this.#options.scope.kind !== "batch") return false;
    const batch = await this.#runtime.store.batches.getBatch(this.#options.scope.batchId);
    if (batch === null || !batch.items.some((item) => item.state === "queued")) return false;
    const wave = await backFill(this.#runtime, batch, await this.#options.machines());
    return wave.waiting > 0;
  }

  /**
   * Attempts left behind are visited as long as this works for their runs; those of runs that have ended are no work that
   * a dispatcher stays for.
   */
  async #visitStrays(signal: AbortSignal): Promise<void> {
    const strays = await this.#runtime.store.relocation.listStrays();
    if (strays.length === 0 || signal.aborted) return;
    const runs = await this.#runtime.store.runs.getRuns(strays.map((stray) => stray.runId));
    for (const stray of strays) {
      const run = runs.get(stray.runId);
      if (run === undefined || !isInScope(this.#options.scope, run, this.#runtime.holder)) continue;
      const name = attemptDirName(stray);
      const visit = async (): Promise<void> => {
        if (await visitStray(this.#runtime, stray)) this.#rest(name);
        else this.#resting.delete(name);
      };
      this.#begin(name, visit, signal);
    }
  }

  #startDriving(run: Run, signal: AbortSignal): void {
    this.#begin(run.id, () => this.#drive(run, signal), signal);
  }

  /** Does one thing about `name`, unless it is being done or rests. What goes wrong is logged, and tried again after a rest. */
  #begin(name: string, work: () => Promise<void>, signal: AbortSignal): void {
    const resting = this.#resting.get(name);
    if (this.#driving.has(name) || (resting !== undefined && resting.until > this.#runtime.clock())) return;
    const begun = performance.now();
    const guarded = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof WaybillError && !this.#options.patient && STORE_FAILURES.includes(error.code)) {
          this.#storeFailure = error;
        }
        const code = error instanceof WaybillError ? error.code : "internal";
        this.#runtime.log("run.drive_failed", { run: name, code, error: (error as Error).message });
        if (performance.now() - begun > HELD_MS) this.#resting.delete(name);
        this.#rest(name);
      }
    };
    this.#driving.set(
      name,
      guarded().finally(() => this.#driving.delete(name)),
    );
  }

  async #drive(run: Run, signal: AbortSignal): Promise<void> {
    const { purpose, caller, machines } = this.#options;
    const options = { until: "ended", purpose, signal, caller, machines } as const;
    const result = await driveRun(this.#runtime, this.#keeper, run.id, options);
    this.#runtime.log("run.drive", { run: run.id, result: result.kind });
    if (result.kind === "ended") this.#resting.delete(run.id);
    else if (result.kind === "driven_elsewhere") this.#restFor(run.id, ELSEWHERE_MS);
    else this.#rest(run.id);
  }

  #rest(runId: string): void {
    this.#restFor(runId, Math.min((this.#resting.get(runId)?.delay ?? RETRY_MS.first / 2) * 2, RETRY_MS.most));
  }

  #restFor(runId: string, delay: number): void {
    this.#resting.set(runId, { until: this.#runtime.clock() + delay, delay });
  }
}

/** Ends early, without an error, when told to stop. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
