/**
 * What a sidecar counts, in a registry of its own. Metrics with a `type` count what this process did; gauges of queues
 * are read from the store when somebody scrapes, so that they are true of all processes on it.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Seconds. A handler may take a millisecond or half a day, and both have to be told apart from their neighbours. */
const TASK_BUCKETS = [
  0.001,
  0.005,
  0.025,
  0.1,
  0.5,
  1,
  5,
  15,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
];
/** Seconds. */
const REQUEST_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface QueueReading {
  readonly type: string;
  /** How many tasks are in each state that is no end. */
  readonly live: Readonly<Record<string, number>>;
  /** How long the oldest that could be claimed has waited; seconds. */
  readonly oldestAgeS: number;
}

/** What is read at a scrape. */
export interface Readings {
  readonly running: number;
  readonly claimedAhead: number;
  readonly staleWrites: number;
  readonly ready: boolean;
  readonly queues: readonly QueueReading[];
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #in = { registers: [this.#registry] };
  readonly submissions = new Counter({
    ...this.#in,
    name: "waybill_task_submissions_total",
    help: "Tasks recorded here; a submission that was answered with a known task is not counted.",
    labelNames: ["type"] as const,
  });
  readonly waits = new Histogram({
    ...this.#in,
    name: "waybill_task_wait_seconds",
    help: "From the submission of a task to the begin of an attempt.",
    labelNames: ["type"] as const,
    buckets: TASK_BUCKETS,
  });
  readonly durations = new Histogram({
    ...this.#in,
    name: "waybill_task_duration_seconds",
    help: "How long attempts took, by how they ended.",
    labelNames: ["type", "outcome"] as const,
    buckets: TASK_BUCKETS,
  });
  readonly failures = new Counter({
    ...this.#in,
    name: "waybill_task_failures_total",
    help: "Attempts that failed, by the code of their error.",
    labelNames: ["type", "class"] as const,
  });
  readonly refused = new Counter({
    ...this.#in,
    name: "waybill_task_ends_refused_total",
    help: "Ends of attempts of this process that the store refused, since others had taken the task over or removed it.",
    labelNames: ["type"] as const,
  });
  readonly takenBack = new Counter({
    ...this.#in,
    name: "waybill_tasks_taken_back_total",
    help: "Tasks of dead engines that this one took back, by what became of them.",
    labelNames: ["outcome"] as const,
  });
  readonly quarantines = new Counter({
    ...this.#in,
    name: "waybill_task_quarantines_total",
    help: "Tasks that this engine took out of the queue, since their attempts kept killing engines.",
  });
  readonly requests = new Histogram({
    ...this.#in,
    name: "waybill_http_request_duration_seconds",
    help: "How long requests took, by route and status.",
    labelNames: ["method", "route", "status"] as const,
    buckets: REQUEST_BUCKETS,
  });
  readonly rejections = new Counter({
    ...this.#in,
    name: "waybill_http_rejections_total",
    help: "Requests that were turned away before they reached a route, by why.",
    labelNames: ["reason"] as const,
  });
  readonly #running = new Gauge({
    ...this.#in,
    name: "waybill_tasks_running",
    help: "Handlers under way in this process.",
  });
  readonly #ahead = new Gauge({
    ...this.#in,
    name: "waybill_tasks_claimed_ahead",
    help: "Tasks that this process has claimed and not begun.",
  });
  readonly #live = new Gauge({
    ...this.#in,
    name: "waybill_tasks",
    help: "Tasks in the store that have not ended, by type and state.",
    labelNames: ["type", "state"] as const,
  });
  readonly #oldest = new Gauge({
    ...this.#in,
    name: "waybill_task_oldest_queued_age_seconds",
    help: "How long the oldest queued task of a type has waited; 0 when none does.",
    labelNames: ["type"] as const,
  });
  readonly #stale = new Gauge({
    ...this.#in,
    name: "waybill_stale_writes",
    help: "Writes of superseded attempts and drivers that the store has refused, by whomever, since it was made.",
  });
  readonly #ready = new Gauge({ ...this.#in, name: "waybill_ready", help: "1 while every readiness gate is open." });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Every metric with its help, in the order of their names; for the page that lists them. */
  async described(): Promise<readonly { readonly name: string; readonly help: string }[]> {
    const found = await this.#registry.getMetricsAsJSON();
    return found.map(({ name, help }) => ({ name, help })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The text format of Prometheus. */
  async expose(readings: Readings): Promise<string> {
    this.#running.set(readings.running);
    this.#ahead.set(readings.claimedAhead);
    this.#stale.set(readings.staleWrites);
    this.#ready.set(readings.ready ? 1 : 0);
    // A type of which nothing is left would stay at its last value.
    this.#live.reset();
    this.#oldest.reset();
    for (const { type, live, oldestAgeS } of readings.queues) {
      for (const [state, count] of Object.entries(live)) this.#live.set({ type, state }, count);
      this.#oldest.set({ type }, oldestAgeS);
    }
    return await this.#registry.metrics();
  }
}
