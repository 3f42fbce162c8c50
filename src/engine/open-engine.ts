import { WaybillError } from "../domain/errors.js";
import { LEASE_TTL_MS } from "../domain/lease.js";
import { LONGEST_TIMER_MS } from "../domain/longest-timer.js";
import { QUARANTINE_AFTER } from "../domain/task.js";
import { livenessOf, thisProcess } from "../machines/process-identity.js";
import { type Log, silentLog } from "../observe/log.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { faultOfDefinition } from "./definition-fault.js";
import { Engine } from "./engine.js";
import { newTaskId } from "./new-task-id.js";
import {
  anyFunction,
  anyText,
  anyValue,
  closed,
  fitting,
  listOf,
  orNull,
  type Rules,
  someText,
  whole,
} from "./option-rules.js";
import { harmlessLog, harmlessObserver } from "./outsiders.js";
import type { Around, EngineEnrolment, EngineFact } from "./runtime.js";
import type { TaskDefinition } from "./task-definition.js";

export interface EngineOptions {
  /** Where tasks are kept: `file:PATH`, `memory:`, or a store that is open already and stays so. */
  readonly store: string | Store;
  /** The types that this engine knows; tasks of others are left for other engines. */
  readonly tasks: readonly TaskDefinition[];
  /** How many handlers run at once here. Default 10. */
  readonly concurrency?: number;
  /** How many tasks are claimed ahead at most, when handlers are quick. 0 claims only what begins at once. Default 500. */
  readonly prefetch?: number;
  /** After so many attempts it claims no more. Default any number. */
  readonly mostAttempts?: number;
  /** How long the engine's tasks stay its own after its last sign of life; milliseconds. Default 30,000. */
  readonly leaseMs?: number;
  /** How long an attempt that was told to stop may take before it is ended without its handler; milliseconds. Default 5,000. */
  readonly abortGraceMs?: number;
  /** After so many deaths of engines that executed it a task is left alone. Default 3. */
  readonly quarantineAfter?: number;
  /** Tasks that ended so long ago are removed, with their events; milliseconds, null to keep all. Default 30 days. */
  readonly keepEndedMs?: number | null;
  /** Only tasks that carry all of these tags are executed here. Default any. */
  readonly tags?: readonly string[];
  /**
   * Makes it a worker: it is listed under these names, and sets no limits of queues. It does all else that an engine does.
   * Default an engine.
   */
  readonly enrol?: EngineEnrolment;
  readonly log?: Log;
  /** Hears what happens, for metrics. A fault of it is logged, and changes nothing. */
  readonly observe?: (fact: EngineFact) => void;
  /** Wraps every execution, for traces. */
  readonly around?: Around;
}

const DEFAULT_CONCURRENCY = 10;
const DEFAULT_PREFETCH = 500;
const DEFAULT_ABORT_GRACE_MS = 5_000;
const DEFAULT_KEEP_ENDED_MS = 30 * 86_400_000;

const RULES: Rules<EngineOptions> = {
  store: fitting("file:PATH, memory:, or a store that is open", (value) => {
    return typeof value === "string" || (typeof value === "object" && value !== null && "attempts" in value);
  }),
  tasks: listOf({
    check: (value, place) => {
      const fault = faultOfDefinition(value);
      if (fault === null) return;
      throw new WaybillError("invalid_input", `${place.path}: ${fault}.`, {
        hint: "Give what defineTask returns.",
        details: { option: place.path },
      });
    },
  }),
  concurrency: whole(1),
  prefetch: whole(0),
  mostAttempts: whole(1),
  leaseMs: whole(1),
  abortGraceMs: whole(0),
  quarantineAfter: whole(1),
  keepEndedMs: orNull(whole(0)),
  tags: listOf(someText),
  enrol: closed<EngineEnrolment>({
    agentId: someText,
    session: anyText,
    kind: someText,
    workspace: orNull(anyText),
    holder: anyValue,
  }),
  log: anyFunction,
  observe: anyFunction,
  around: anyFunction,
};

const engineRule = closed(RULES, {
  required: ["store", "tasks"],
  meant: { database: "store", path: "store", db: "store", workers: "concurrency", logger: "log", definitions: "tasks" },
});

/**
 * Opens an engine over a store. It executes nothing until `start`; until then, and without any definition, it submits
 * and looks after tasks.
 *
 * Errors: `invalid_input` for an option that there is not, one that is missing or of the wrong kind, and two definitions
 * of a type; those of `openStore`.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  engineRule.check(options, { path: "", owner: "" });
  const { concurrency = DEFAULT_CONCURRENCY, prefetch = DEFAULT_PREFETCH, leaseMs = LEASE_TTL_MS } = options;
  const { abortGraceMs = DEFAULT_ABORT_GRACE_MS, quarantineAfter = QUARANTINE_AFTER } = options;
  const definitions = byType(options.tasks);
  const own = typeof options.store === "string" ? await openStore(options.store) : null;
  const store = own ?? (options.store as Store);
  const log = options.log === undefined ? silentLog : harmlessLog(options.log);
  const runtime = {
    store,
    definitions,
    holder: thisProcess(),
    enrolment: options.enrol ?? null,
    tags: options.tags ?? [],
    liveness: livenessOf,
    newId: newTaskId,
    random: Math.random,
    clock: Date.now,
    log,
    observe: options.observe === undefined ? () => undefined : harmlessObserver(options.observe, log),
    around: options.around ?? ((_attempt, run) => run()),
    concurrency,
    prefetch,
    mostAttempts: options.mostAttempts ?? Number.POSITIVE_INFINITY,
    leaseMs,
    abortGraceMs: Math.min(abortGraceMs, LONGEST_TIMER_MS),
    quarantineAfter,
    keepEndedMs: options.keepEndedMs === undefined ? DEFAULT_KEEP_ENDED_MS : options.keepEndedMs,
  };
  return new Engine(runtime, async () => own?.close());
}

function byType(tasks: readonly TaskDefinition[]): ReadonlyMap<string, TaskDefinition> {
  const known = new Map<string, TaskDefinition>();
  for (const task of tasks) {
    if (known.has(task.type)) throw new WaybillError("invalid_input", `The task type "${task.type}" is defined twice.`);
    known.set(task.type, task);
  }
  return known;
}
