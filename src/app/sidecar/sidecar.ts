/** What the sidecar API can be asked: tasks, readiness and how things are. An interface translates to and from it. */
import {
  type GateChange,
  LIST_LIMIT,
  type ReadinessView,
  type TaskResult,
  type TaskSubmission,
  toGateView,
  toTaskResult,
} from "../../contracts/sidecar.js";
import { WaybillError } from "../../domain/errors.js";
import { checkGateName } from "../../domain/readiness.js";
import { LIVE_TASK_STATES, type Task } from "../../domain/task.js";
import type { Engine } from "../../engine/engine.js";
import type { Metrics, Readings } from "../../observe/metrics.js";
import { submitInSpan } from "../../observe/spans.js";
import type { Store } from "../../store/store.js";
import { readReadiness } from "./read-readiness.js";

/** One look at the store answers everybody who asks within this time: whether it can be written is asked without a token. */
const PROBE_HOLDS_MS = 1_000;

/** Who asks, and on behalf of which trace. */
export interface Caller {
  readonly by: string | null;
  readonly traceparent: string | null;
}

export interface SidecarOptions {
  /** Types that are executed here and may not be submitted over this API. Default none. */
  readonly closedTypes?: readonly string[];
  /** Ends what a removed task has left outside the store. Default nothing. */
  readonly onRemoved?: (task: Task) => Promise<void>;
}

export class Sidecar {
  readonly metrics: Metrics;
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #closedTypes: readonly string[];
  readonly #onRemoved: (task: Task) => Promise<void>;
  #stopping = false;
  #probe: { readonly until: number; readonly answer: Promise<void> } | null = null;

  constructor(engine: Engine, store: Store, metrics: Metrics, options: SidecarOptions = {}) {
    this.#engine = engine;
    this.#store = store;
    this.metrics = metrics;
    this.#closedTypes = options.closedTypes ?? [];
    this.#onRemoved = options.onRemoved ?? (async () => undefined);
  }

  /** From here on it is not ready, whatever the gates say. */
  stopping(): void {
    this.#stopping = true;
  }

  /**
   * Submits a task and answers with its id; one that is known by the id is answered with, and tried again when it had failed.
   *
   * Errors: `forbidden` for a type that is closed, `invalid_input`, `invalid_task_id`, `unknown_task_type`, `task_conflict`,
   * and the store's.
   */
  async submit({ id, type, params = {} }: TaskSubmission, { by, traceparent }: Caller): Promise<string> {
    if (this.#closedTypes.includes(type)) {
      throw new WaybillError("forbidden", `Tasks of the type "${type}" may not be submitted over this API.`, {
        hint: "Whoever starts the sidecar can allow it with --allow-commands; `waybill tasks submit` can do it here.",
      });
    }
    const task = await submitInSpan(type, traceparent, (trace) =>
      this.#engine.tasks.submit(type, params, {
        retryEnded: true,
        // An empty id is no id to the clients that this API is for.
        ...(id === undefined || id === "" ? {} : { id }),
        ...(by === null ? {} : { createdBy: by }),
        ...(trace === null ? {} : { trace }),
      }),
    );
    return task.id;
  }

  async list(): Promise<readonly TaskResult[]> {
    return (await this.#engine.tasks.list({}, { limit: LIST_LIMIT })).map(toTaskResult);
  }

  /** Errors: `invalid_task_id`, `task_not_found`, and the store's. */
  async show(id: string): Promise<TaskResult> {
    const task = await this.#engine.tasks.get(id);
    if (task === null) throw notFound(id);
    return toTaskResult(task);
  }

  /** Errors: `invalid_task_id`, `task_not_found`, and the store's. */
  async remove(id: string): Promise<void> {
    const task = await this.#engine.tasks.get(id);
    if (task === null || !(await this.#engine.tasks.remove(id))) throw notFound(id);
    await this.#onRemoved(task);
  }

  async readiness(): Promise<ReadinessView> {
    const { gates, ...stored } = await readReadiness(this.#store);
    const readiness = this.#stopping ? { ready: false, closed: ["stopping"] } : stored;
    return { ...readiness, gates: gates.map(toGateView) };
  }

  /** Whether traffic may come. Fails closed: what cannot be read is not ready. */
  async isReady(): Promise<boolean> {
    try {
      return (await this.readiness()).ready;
    } catch {
      // Nobody can tell; `livez` and the log say why.
      return false;
    }
  }

  /** Holds or releases a gate, as the newest to do so. Errors: `invalid_input`, and the store's. */
  async decide(gate: string, { state, reason }: GateChange, by: string | null) {
    checkGateName(gate);
    const wish = state === "held" ? "hold" : "release";
    return toGateView(await this.#store.gates.decideGate({ gate, wish, at: null, by, reason: reason ?? null }));
  }

  /** Proves that the store takes writes. Errors: the store's. */
  probe(): Promise<void> {
    const now = performance.now();
    if (this.#probe === null || this.#probe.until < now) {
      this.#probe = { until: now + PROBE_HOLDS_MS, answer: this.#store.probe() };
    }
    return this.#probe.answer;
  }

  /** All metrics in the text format of Prometheus. Errors: the store's. */
  async exposeMetrics(): Promise<string> {
    const now = await this.#store.now();
    const { running, claimedAhead } = this.#engine.status();
    const queues = (await this.#engine.tasks.stats()).map(({ type, states, oldestQueuedAt }) => ({
      type,
      live: Object.fromEntries(LIVE_TASK_STATES.map((state) => [state, states[state]])),
      oldestAgeS: oldestQueuedAt === null ? 0 : Math.max(0, now - oldestQueuedAt) / 1_000,
    }));
    const staleWrites = await this.#store.staleWritesRefused();
    const readings: Readings = { running, claimedAhead, staleWrites, ready: await this.isReady(), queues };
    return await this.metrics.expose(readings);
  }
}

const notFound = (id: string): WaybillError =>
  new WaybillError("task_not_found", `There is no task ${id}.`, { details: { id } });
