/**
 * Keeps an engine's handlers busy: claims in batches, a little ahead of need, and gives each free slot a task.
 *
 * What is claimed ahead is held under the engine's lease like what runs; so it is claimed only as fast as handlers
 * finish, and is given back when the engine stops.
 */
import type { ClaimedTask, Owner } from "../store/attempt-store.js";
import type { EngineRuntime } from "./runtime.js";

/** So much work is kept at hand as the handlers finished lately in this time; milliseconds. */
const AHEAD_MS = 50;
/** Ends that are not recorded yet; beyond, nothing begins, so that a store which is slow holds back the handlers. */
const MOST_UNRECORDED = 2_000;
const LONGEST_TIMER_MS = 60_000;
/** After a claim that failed. */
const PAUSE_MS = 250;

export interface ClaimLoopOptions {
  readonly runtime: EngineRuntime;
  /** Null while the engine has no lease. */
  readonly owner: () => Owner | null;
  /** Executes a task and resolves when its handler is done, whatever came of it; what it still has to record is its own affair. */
  readonly execute: (task: ClaimedTask) => Promise<void>;
  readonly unrecorded: () => number;
  /** Called when a claim found that the lease under which it was made is lost. */
  readonly onLost: (owner: Owner) => void;
}

export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  #ahead: ClaimedTask[] = [];
  #running = 0;
  #finished = 0;
  #rate = 0;
  #begun = 0;
  #rateSince = performance.now();
  #claiming: Promise<void> | null = null;
  #news = true;
  #open = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get claimedAhead(): number {
    return this.#ahead.length;
  }

  open(): void {
    this.#open = true;
    this.wake();
  }

  /** Claims no more. @returns what was claimed and has not begun, once no claim is under way */
  async close(): Promise<readonly ClaimedTask[]> {
    this.#shut();
    await this.#claiming;
    return this.#ahead.splice(0);
  }

  /** Claims no more, and forgets what has not begun: it is others' to execute. */
  drop(): void {
    this.#shut();
    this.#ahead = [];
  }

  /** What was claimed ahead under this fence is somebody else's, or gone: it does not begin. */
  forget(fence: number): void {
    this.#ahead = this.#ahead.filter((task) => task.fence !== fence);
  }

  #shut(): void {
    this.#open = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** There may be something to claim. */
  wake(): void {
    this.#news = true;
    this.pump();
  }

  /** Tasks are being submitted in this turn: an idle engine claims them in the transaction that records them. */
  expectWork(): void {
    if (this.#running === 0 && this.#ahead.length === 0) this.pump(true);
  }

  /** Fills free slots, and claims when little is at hand. */
  pump(expectWork = false): void {
    if (!this.#open) return;
    this.#begin();
    const { runtime, owner } = this.#options;
    const left = runtime.mostAttempts - this.#begun - this.#ahead.length;
    const begin = Math.max(0, Math.min(runtime.concurrency - this.#running, left));
    const wanted = this.#wantedAhead();
    const ahead = Math.min(wanted - this.#ahead.length, left - begin);
    if (this.#claiming !== null || !(this.#news || expectWork) || (begin === 0 && ahead * 2 <= wanted)) return;
    const mine = owner();
    if (mine !== null && this.#hasRoom()) {
      this.#claiming = this.#claim(mine, begin, Math.max(0, ahead), expectWork);
    }
  }

  #hasRoom(): boolean {
    return this.#options.unrecorded() < MOST_UNRECORDED;
  }

  #wantedAhead(): number {
    const now = performance.now();
    const since = now - this.#rateSince;
    if (since > AHEAD_MS / 10) {
      this.#rate = (this.#rate + this.#finished / since) / 2;
      this.#finished = 0;
      this.#rateSince = now;
    }
    return Math.min(this.#options.runtime.prefetch, Math.floor(this.#rate * AHEAD_MS));
  }

  #begin(): void {
    while (this.#running < this.#options.runtime.concurrency && this.#hasRoom()) {
      const task = this.#ahead.shift();
      if (task === undefined) return;
      void this.#execute(task);
    }
  }

  async #execute(task: ClaimedTask): Promise<void> {
    this.#running += 1;
    this.#begun += 1;
    await this.#options.execute(task);
    this.#running -= 1;
    this.#finished += 1;
    this.pump();
  }

  async #claim(owner: Owner, begin: number, ahead: number, expectWork: boolean): Promise<void> {
    const { runtime, onLost } = this.#options;
    this.#news = false;
    try {
      const types = [...runtime.definitions.keys()].map((type) => ({ type, limit: begin + ahead }));
      const { held, tasks, wakeAt } = await runtime.store.attempts.claimTasks({
        owner,
        types,
        tags: runtime.tags,
        begin,
        ahead,
        expectWork,
      });
      this.#claiming = null;
      // Claimed under a lease that was lost meanwhile: whoever found that out has taken the tasks back, or will.
      if (!held || this.#options.owner() !== owner) return onLost(owner);
      // A full answer says that there is more; another is asked for when these are running low.
      if (tasks.length > 0) this.#news = true;
      this.#ahead.push(...tasks);
      this.#wakeAt(wakeAt);
      this.pump();
      if (this.#isIdle()) runtime.observe({ kind: "idle" });
    } catch (error) {
      this.#claiming = null;
      runtime.log("engine.claim_failed", { error: (error as Error).message });
      this.#wakeAt(runtime.clock() + PAUSE_MS);
    }
  }

  #isIdle(): boolean {
    return this.#running === 0 && this.#claiming === null && !this.#news && this.#options.unrecorded() === 0;
  }

  #wakeAt(at: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (at === null || !this.#open) return;
    const ms = Math.min(LONGEST_TIMER_MS, Math.max(1, at - this.#options.runtime.clock()));
    this.#timer = setTimeout(() => this.wake(), ms);
  }
}
