/** Looks after a worker while it runs, and tells it to end when there is a reason to. */
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "../../domain/errors.js";
import { LONGEST_TIMER_MS } from "../../domain/longest-timer.js";
import type { Dispatch, Stop } from "./dispatch.js";
import type { DispatchClaim } from "./dispatch-claim.js";
import type { WorkerProcess } from "./worker-process.js";

/** A look without any hint that something has changed; milliseconds. */
const LOOK_MS = 1_000;

/**
 * Resolves when nothing of the worker runs any more. @returns why it was told to end; null when it was not
 *
 * Errors: the store's, once the worker was ended: without a store nobody can tell whose the task is.
 */
export async function attendWorker(
  dispatch: Dispatch,
  claim: DispatchClaim,
  worker: WorkerProcess,
): Promise<Stop | null> {
  const attendance = new Attendance(dispatch, worker);
  try {
    while (!attendance.over.aborted) await attendance.look(claim);
    return attendance.stop;
  } catch (error) {
    worker.child.stop(dispatch.graceMs);
    await worker.child.ended;
    throw error;
  } finally {
    attendance.dispose();
  }
}

class Attendance {
  stop: Stop | null = null;
  readonly over: AbortSignal;
  readonly #dispatch: Dispatch;
  readonly #worker: WorkerProcess;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #heard = new AbortController();
  #lingers = false;

  constructor(dispatch: Dispatch, worker: WorkerProcess) {
    this.#dispatch = dispatch;
    this.#worker = worker;
    const over = new AbortController();
    this.over = over.signal;
    void worker.child.ended.finally(() => over.abort());
    this.#limit();
    this.#hear(dispatch.signal, "leave");
    // Without its warden nobody would end it should this process die, and others may have the task already: it is killed.
    this.#hear(dispatch.post.warden.gone, "lost", 0);
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#heard.abort();
  }

  async look(claim: DispatchClaim): Promise<void> {
    try {
      const standing = await claim.look();
      if (standing.kind === "lost") this.#end("lost");
      else if (standing.kind === "answered") this.#linger();
      else if (standing.task.cancelRequestedAt !== null) this.#end("cancel");
      this.#worker.writeUnder(claim.guard);
      await this.#dispatch.store.events.waitForChange(LOOK_MS, this.over);
    } catch (error) {
      if (!(error instanceof WaybillError) || !error.retryable) throw error;
      // A store that is busy now will answer later; the claim's lease says for how long that is soon enough.
      await pause(LOOK_MS);
    }
  }

  #limit(): void {
    const { timeoutMs, task } = this.#dispatch;
    if (timeoutMs !== null) this.#after(timeoutMs, () => this.#end("timeout"));
    if (task.deadlineAt !== null) this.#after(task.deadlineAt - Date.now(), () => this.#end("deadline"));
  }

  /** No worker lives to see a limit beyond. */
  #after(ms: number, act: () => void): void {
    if (ms <= LONGEST_TIMER_MS) this.#timers.push(setTimeout(act, Math.max(0, ms)));
  }

  #hear(signal: AbortSignal | undefined, why: Stop, graceMs?: number): void {
    if (signal?.aborted === true) this.#end(why, graceMs);
    signal?.addEventListener("abort", () => this.#end(why, graceMs), { once: true, signal: this.#heard.signal });
  }

  #end(why: Stop, graceMs = this.#dispatch.graceMs): void {
    if (this.over.aborted) return;
    this.stop ??= why;
    this.#worker.child.stop(graceMs);
  }

  /** It has recorded its result and holds nothing any more: it may tidy up, and not stay. */
  #linger(): void {
    if (this.#lingers) return;
    this.#lingers = true;
    const { graceMs } = this.#dispatch;
    this.#after(graceMs, () => this.#worker.child.stop(graceMs));
  }
}
