/** `waybill work`: an engine whose handlers supervise a command for each task. */
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { v7 } from "uuid";
import { durationMs } from "../../contracts/fields.js";
import type { OutputOf, ParsedInputOf } from "../../contracts/index.js";
import type { Attempt } from "../../domain/attempt.js";
import { parseByteSize } from "../../domain/byte-size.js";
import { type ErrorCode, WaybillError } from "../../domain/errors.js";
import { LONGEST_TIMER_MS } from "../../domain/longest-timer.js";
import type { Engine } from "../../engine/engine.js";
import { openEngine } from "../../engine/open-engine.js";
import type { TaskContext } from "../../engine/task-context.js";
import type { Verdict } from "../../engine/verdict.js";
import { type Log, silentLog } from "../../observe/log.js";
import type { Store } from "../../store/store.js";
import { agentIdOf, sessionOf } from "../claims/caller.js";
import type { CallHandler, WorkWatch } from "../context.js";
import { mustBeDirectory } from "../runs/record-command.js";
import { findProgram } from "./find-program.js";
import { type BegunAttempt, Shift } from "./shift.js";
import { type Supervision, superviseAttempt } from "./supervise.js";
import { openWorkerPost } from "./worker-post.js";
import { workerTasks } from "./worker-tasks.js";

/** What to work at: the input, with each type and tag once and the lease in milliseconds. */
interface Order extends ParsedInputOf<"workers.work"> {
  readonly leaseMs: number;
}

/** Beyond the grace of a command: what it takes to see that a killed one is gone; milliseconds. */
const SLACK_MS = 30_000;

/** Nobody looks on, and nobody hurries. */
const ALONE: WorkWatch = { log: silentLog, hurry: new AbortController().signal };

export const work: CallHandler<"workers.work"> = async (context, input, { signal, watch = ALONE }) => {
  const cwd = resolve(context.settings.cwd, input.cwd ?? ".");
  await mustBeDirectory(cwd, "--cwd names the directory in which the command runs.");
  const types = split(input.types);
  if (types.length === 0) throw noTypes();
  const [program = "", ...args] = input.argv;
  const command = [findProgram(program, cwd, context.settings.environment), ...args] as const;
  const graceMs = durationMs(input.grace) ?? 0;
  const leaseMs = durationMs(input.lease) ?? 0;
  const store = await context.store();
  const agentId = agentIdOf(context.settings, input.agent);
  const session = sessionOf(context.settings, input.session) ?? v7();
  const workerId = v7();
  const post = await openWorkerPost(context, { workerId, agentId, session, graceMs, leaseMs });
  try {
    const logLimit = parseByteSize(input.log_limit) ?? 0;
    const equipment = { store, post, command, cwd, graceMs, logLimit, log: watch.log };
    return {
      agent_id: agentId,
      session,
      ...(await workAt(equipment, { ...input, types, tags: split(input.tags), leaseMs }, watch, signal)),
    };
  } finally {
    await post.close();
  }
};

const split = (words: readonly string[]): string[] => [
  ...new Set(words.flatMap((word) => word.split(",")).flatMap((word) => word.trim() || [])),
];

async function workAt(
  equipment: Omit<Supervision, "onFault" | "onRecorded">,
  order: Order,
  { log, hurry }: WorkWatch,
  signal: AbortSignal | undefined,
): Promise<Omit<OutputOf<"workers.work">, "agent_id" | "session">> {
  const { store, post } = equipment;
  const { gone } = post.warden;
  const shift = new Shift({ once: order.once, drain: order.drain, signals: [gone, ...(signal ? [signal] : [])] });
  const onFault = (error: unknown): void => shift.failed(error);
  const onRecorded = (attempt: Attempt): void => shift.recorded(attempt);
  const engine = await openWorker({ ...equipment, onFault, onRecorded }, order, shift);
  try {
    log("work.starting", { types: order.types.join(","), concurrency: order.concurrency });
    await startPatiently(engine, order, log, shift);
    await shift.over;
    const { running } = engine.status();
    const isTold = signal?.aborted === true && running > 0;
    log("work.stopping", { running, ...(isTold && { hint: "what runs is waited for; a second signal ends it" }) });
    // What runs is waited for.
    await engine.stop({ graceMs: LONGEST_TIMER_MS, hurry: AbortSignal.any([hurry, gone]) });
  } finally {
    await engine.close({ graceMs: 0 });
  }
  if (gone.aborted) throw wardenLost();
  if (shift.fault !== null) throw shift.fault;
  const { started, last } = shift;
  if (order.once && last === null && signal?.aborted !== true) throw nothingToClaim(engine.status().types);
  const errorCode = order.once && last !== null ? await failureOf(store, last) : null;
  const waitingForPaths = order.drain ? await countWaitingForPaths(store, order) : 0;
  const counts = { started, ...shift.counts(engine.status()), waiting_for_paths: waitingForPaths };
  return { ...counts, hurried: hurry.aborted, error_code: errorCode };
}

/** Between two tries to start at a store that is busy; milliseconds. */
const START_PAUSE_MS = 1_000;

/** A worker that stays has time: a store that others keep busy is tried again until it can be had, or nobody wants it any more. */
async function startPatiently(engine: Engine, { once, drain }: Order, log: Log, shift: Shift): Promise<void> {
  for (;;) {
    try {
      return await engine.start();
    } catch (error) {
      if (once || drain || !(error instanceof WaybillError) || error.code !== "store_busy") throw error;
      log("work.start_delayed", { error: error.message });
    }
    const isOver = await Promise.race([shift.over.then(() => true), pause(START_PAUSE_MS).then(() => false)]);
    if (isOver) return;
  }
}

/** Claims only what begins at once: what waits here would wait for nobody else. */
async function openWorker(supervision: Supervision, order: Order, shift: Shift): Promise<Engine> {
  const { store, post, cwd, graceMs, log } = supervision;
  const execute = (attempt: TaskContext): Promise<Verdict> => {
    shift.began(attempt);
    return superviseAttempt(supervision, attempt);
  };
  const { agentId, session } = post.identity;
  return await openEngine({
    store,
    tasks: workerTasks(order.types, execute, order),
    tags: order.tags,
    concurrency: order.once ? 1 : order.concurrency,
    ...(order.once && { mostAttempts: 1 }),
    prefetch: 0,
    leaseMs: order.leaseMs,
    abortGraceMs: graceMs + SLACK_MS,
    log,
    observe: (fact) => shift.saw(fact),
    enrol: { agentId, session, kind: "work", workspace: cwd, holder: post.warden.identity },
  });
}

/** How many are looked at to find those that wait. */
const MOST_WAITING = 1_000;

/** Of what it would have taken. */
async function countWaitingForPaths(store: Store, order: Order): Promise<number> {
  const queued = await store.tasks.listTasks({ types: order.types, states: ["queued"] }, { limit: MOST_WAITING });
  return queued.filter(({ gate, tags }) => gate === "paths" && order.tags.every((tag) => tags.includes(tag))).length;
}

/** How the attempt was recorded, by whomever. */
async function failureOf(store: Store, { taskId, fence }: BegunAttempt): Promise<ErrorCode | null> {
  const attempts = await store.attempts.listAttempts(taskId);
  return attempts.find((attempt) => attempt.fence === fence)?.failure?.code ?? null;
}

const wardenLost = (): WaybillError =>
  new WaybillError("lost", "The warden of this worker was killed: others may execute its tasks already.", {
    hint: "What ran here was ended. Start the worker again, and leave the `sh` process beside it alone.",
  });

const noTypes = (): WaybillError =>
  new WaybillError("invalid_input", "--types names no type; expected one, or several with commas between them.");

const nothingToClaim = (types: readonly string[]): WaybillError =>
  new WaybillError("nothing_to_claim", `No task of the types ${types.join(", ")} is there to be claimed.`, {
    hint: "`waybill tasks ready` lists what could be claimed, `waybill why TASK` says what another waits for.",
  });
