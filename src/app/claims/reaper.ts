/** Takes back what owners that are no more have left behind: where only claims are made, no engine does it. */
import { QUARANTINE_AFTER } from "../../domain/task.js";
import { Housekeeper } from "../../engine/housekeeper.js";
import { livenessOf } from "../../machines/process-identity.js";
import { silentLog } from "../../observe/log.js";
import type { Store } from "../../store/store.js";

/** How often it is worth a look; milliseconds. */
const EVERY_MS = 1_000;

export class Reaper {
  readonly #housekeeper: Housekeeper;
  #reapedAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store) {
    const facts = { store, liveness: livenessOf, quarantineAfter: QUARANTINE_AFTER, keepEndedMs: null, log: silentLog };
    this.#housekeeper = new Housekeeper(facts, () => undefined);
  }

  /** Looks when the last look is a while ago. */
  async reap(): Promise<void> {
    const now = performance.now();
    if (now - this.#reapedAt < EVERY_MS) return;
    this.#reapedAt = now;
    await this.#housekeeper.takeBack(null);
  }
}
