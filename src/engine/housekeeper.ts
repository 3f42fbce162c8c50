/** What engines do for their store besides executing: they take back what dead owners left, and remove what is old. */
import { limitOf } from "../domain/attempt-limit.js";
import { defaultRetryDelay } from "../domain/retry.js";
import { OWNER_LEASES } from "../domain/worker.js";
import type { TakenBack } from "../store/attempt-store.js";
import type { OwnerView } from "../store/worker-store.js";
import type { EngineRuntime } from "./runtime.js";
import { timedOut } from "./timed-out.js";

/** How often an engine looks for old tasks; milliseconds. */
const CLEAN_EVERY_MS = 3_600_000;

/** What it needs of an engine, or of whoever else keeps house. */
export type Household = Pick<EngineRuntime, "store" | "liveness" | "quarantineAfter" | "keepEndedMs" | "log">;

export class Housekeeper {
  readonly #runtime: Household;
  readonly #onTakenBack: (taken: TakenBack) => void;
  #cleanedAt = Number.NEGATIVE_INFINITY;

  constructor(runtime: Household, onTakenBack: (taken: TakenBack) => void) {
    this.#runtime = runtime;
    this.#onTakenBack = onTakenBack;
  }

  /**
   * Takes back the tasks of engines and workers that are no more: proved dead on this host at once, others when their lease is over.
   *
   * @param own the name of the caller's own lease, which it does not judge
   */
  async takeBack(own: string | null): Promise<void> {
    const { store, liveness, quarantineAfter, log } = this.#runtime;
    const now = await store.now();
    const leases = await Promise.all(OWNER_LEASES.map((prefix) => store.leases.listLeases(prefix)));
    const others = leases
      .flat()
      .filter(({ name }) => name !== own)
      .map((lease) => ({ lease, dead: liveness(lease.holder) === "dead" }));
    const gone = others.filter(({ lease, dead }) => dead || lease.expiresAt <= now);
    if (gone.length === 0) return;
    const owners = new Map((await store.workers.listWorkers()).map((owner) => [owner.owner, owner]));
    for (const { lease, dead } of gone) {
      const owner = owners.get(lease.fence);
      if (!dead && owner?.kind === "claim" && (await this.#endOverdue(owner, now))) continue;
      const taken = await store.attempts.takeBack(lease, dead, quarantineAfter);
      if (taken === null) continue;
      const { holder, name } = lease;
      log("engine.taken_back", { name, pid: owner?.pid ?? null, host: holder.host, dead, ...taken });
      this.#onTakenBack(taken);
    }
  }

  /**
   * Ends the attempt of a claim whose result did not come within the time of its task. @returns whether it was that, and
   * not the silence of whoever has it, that ended the lease
   */
  async #endOverdue({ agentId, tasks }: OwnerView, now: number): Promise<boolean> {
    const { store, log } = this.#runtime;
    let isOver = false;
    for (const { id, fence, attempt, startedAt } of tasks) {
      const task = await store.tasks.getTask(id);
      const limit = task?.fence === fence ? limitOf(task, startedAt) : null;
      if (task === null || limit === null || limit.at > now) continue;
      isOver = true;
      const end = timedOut(limit.of, task.timeoutMs, defaultRetryDelay(task, Math.random()));
      await store.attempts.endAttempts([{ guard: { taskId: id, sequence: task.sequence, attempt, fence }, end }]);
      log("engine.claim_timed_out", { id, agent: agentId, limit: limit.of });
    }
    return isOver;
  }

  /** Removes tasks that ended too long ago, and events of what is gone; at most once an hour. */
  async clean(): Promise<void> {
    const { store, keepEndedMs, log } = this.#runtime;
    const since = performance.now() - this.#cleanedAt;
    if (keepEndedMs === null || since < CLEAN_EVERY_MS) return;
    this.#cleanedAt = performance.now();
    const endedBefore = (await store.now()) - keepEndedMs;
    const { tasks, events } = await store.collectGarbage({ endedBefore, dryRun: false, only: "tasks" });
    if (tasks + events > 0) log("engine.cleaned", { tasks, events });
  }
}
