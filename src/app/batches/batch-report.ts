/** Joins a batch's decisions with the outcomes of its runs as they are now, and estimates what is left. */
import { type BatchReport, toBatchReport } from "../../contracts/batch-views.js";
import type { Batch } from "../../domain/batch.js";
import { estimateRemaining, type Remaining } from "../../domain/estimate.js";
import { isTerminal, type Run } from "../../domain/run.js";
import type { Store } from "../../store/store.js";

/** How many earlier runs of an entry the estimate looks at. */
const HISTORY = 5;

export class BatchReporter {
  readonly #store: Store;
  /** Typical durations do not change while one watches. */
  readonly #typical = new Map<string, number | null>();

  constructor(store: Store) {
    this.#store = store;
  }

  async report(batch: Batch): Promise<BatchReport> {
    const ids = batch.items.flatMap((item) => item.runId ?? []);
    const runs = await this.#store.runs.getRuns(ids);
    return toBatchReport(batch, runs, await this.#estimate(batch, runs));
  }

  async #estimate(batch: Batch, runs: ReadonlyMap<string, Run>): Promise<number | null> {
    const now = await this.#store.now();
    const left: Remaining[] = [];
    const busy = new Set<string>();
    for (const item of batch.items) {
      const run = item.runId === null ? undefined : runs.get(item.runId);
      if (item.state === "skipped" || (run !== undefined && isTerminal(run.status))) continue;
      if (run !== undefined) busy.add(`${run.machine}/${run.slot}`);
      const elapsedMs = run?.startedAt == null ? 0 : Math.max(0, now - run.startedAt);
      left.push({ typicalMs: await this.#typicalMs(item.name), elapsedMs });
    }
    return left.length === 0 ? 0 : estimateRemaining(left, Math.max(1, busy.size));
  }

  async #typicalMs(ref: string): Promise<number | null> {
    const known = this.#typical.get(ref);
    if (known !== undefined) return known;
    const durations = await this.#store.runs.recentDurations(ref, HISTORY);
    const typical = durations.length === 0 ? null : durations.reduce((sum, ms) => sum + ms, 0) / durations.length;
    this.#typical.set(ref, typical);
    return typical;
  }
}
