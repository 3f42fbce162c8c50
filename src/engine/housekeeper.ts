/** What engines do for their store besides executing: they take back what dead owners left, and remove what is old. */
import { OWNER_LEASES } from "../domain/worker.js";
import type { TakenBack } from "../store/attempt-store.js";
import type { EngineRuntime } from "./runtime.js";

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
    for (const lease of leases.flat()) {
      if (lease.name === own) continue;
      const dead = liveness(lease.holder) === "dead";
      if (!dead && lease.expiresAt > now) continue;
      const taken = await store.attempts.takeBack(lease, dead, quarantineAfter);
      if (taken === null) continue;
      const worker = (await store.workers.workersByOwner([lease.fence])).get(lease.fence);
      const pid = worker === undefined ? lease.holder.pid : worker.pid;
      log("engine.taken_back", { name: lease.name, pid, host: lease.holder.host, dead, ...taken });
      this.#onTakenBack(taken);
    }
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
