/** `waybill why` of a task. Several reasons may hold at once; each state has at least one. */
import { describeDuration } from "../../domain/duration.js";
import { isEndedTask, type Task, waitsForPerson } from "../../domain/task.js";
import type { QueueState } from "../../store/queue-store.js";
import type { Store } from "../../store/store.js";
import type { OwnerView } from "../../store/worker-store.js";
import type { AppContext } from "../context.js";
import { activeRunsOf } from "../tasks/command-runs.js";
import { engineName, enginesFor, type KnownEngine, knownEngines } from "../tasks/live-engines.js";
import { isAlive, ownerByFence, ownerName } from "../workers/present-owners.js";
import { explainPaths, explainPerson } from "./explain-task-gates.js";
import { type Reason, reason } from "./reason.js";

/** How many tasks in the way are named, and how many are looked at to find them. */
const NAMED = 10;
const MOST = 1_000;
/** Lines of the log that are shown as evidence of what killed its engines. */
const EVIDENCE_LINES = 5;

export async function explainTask(context: AppContext, task: Task): Promise<Reason[]> {
  const store = await context.store();
  if (isEndedTask(task.state)) return await explainEnd(store, task);
  if (task.state === "running") return await explainRunning(context, store, task);
  if (task.state === "scheduled") return await explainScheduled(store, task);
  if (task.gate === "dependencies") return await explainDependencies(store, task);
  if (task.gate === "paths") return [await explainPaths(store, task)];
  if (waitsForPerson(task.gate)) return [explainPerson(task, task.gate)];
  return await explainQueued(store, task);
}

async function explainEnd(store: Store, task: Task): Promise<Reason[]> {
  const said = task.failure === null ? "" : ` ${task.failure.code}: ${task.failure.message}`;
  const ended = reason("ended", `It has ended: ${task.state}.${said}`, [], retryHint(task));
  return task.failure?.code === "quarantined" ? [await explainQuarantine(store, task)] : [ended];
}

const retryHint = ({ id, state }: Task): string | null =>
  state === "completed" ? null : `\`waybill tasks retry ${id}\` tries it again.`;

/** Who died of it and what it said last. */
async function explainQuarantine(store: Store, task: Task): Promise<Reason> {
  const attempts = await store.attempts.listAttempts(task.id);
  const lost = attempts.filter(({ run, state }) => run === task.run && state === "lost");
  const deaths = lost.map(({ attempt, failure }) => `Attempt ${attempt}: ${failure?.message ?? "its engine died."}`);
  const lines = await store.steps.readTaskLog(task.id, EVIDENCE_LINES);
  const words =
    lines.length === 0 ? ["It logged nothing."] : ["It logged last:", ...lines.map(({ line }) => `  ${line}`)];
  const message = [`It is left alone. ${task.failure?.message ?? ""}`.trim(), ...deaths, ...words].join("\n");
  return reason("quarantined", message, [], retryHint(task));
}

async function explainRunning(context: AppContext, store: Store, task: Task): Promise<Reason[]> {
  const [owner, now] = [await ownerByFence(store, task.owner), await store.now()];
  const since = describeDuration(Math.max(0, now - (task.startedAt ?? 0)));
  const holders = owner === null ? [] : [ownerName(owner)];
  const runs = (await activeRunsOf(context, task.id)).map(({ id }) => id);
  const running = reason("running", `Attempt ${task.attempt} has been running for ${since}.`, [...holders, ...runs]);
  const cancelling = reason("cancelling", "Its handler has been told to stop.", holders);
  const lives = owner !== null && isAlive(owner.lease, now);
  return [
    running,
    ...(task.cancelRequestedAt === null ? [] : [cancelling]),
    ...(lives ? [] : [explainGone(task, owner, holders)]),
  ];
}

function explainGone({ id }: Task, owner: OwnerView | null, holders: string[]): Reason {
  if (owner === null || owner.kind === "engine") {
    const message = "The engine that executes it is gone, or has lost its lease.";
    const hint = "The next engine that starts takes it back; a living one does so by itself.";
    return reason("engine_gone", message, holders, hint);
  }
  const hint = `The next claim takes it back, and so does an engine; \`waybill tasks reclaim ${id}\` does it now.`;
  return reason("worker_gone", "The worker that has it is gone, or its lease is over.", holders, hint);
}

async function explainScheduled(store: Store, task: Task): Promise<Reason[]> {
  const at = new Date(task.runAt ?? 0).toISOString();
  const last = (await store.attempts.listAttempts(task.id)).at(-1);
  const why =
    last?.returned === "sleeping"
      ? "its handler sleeps until then"
      : last?.returned === "snoozed"
        ? "its handler asked for another try then"
        : last?.failure != null && last.run === task.run
          ? `attempt ${last.attempt} failed with ${last.failure.code}: ${last.failure.message.replace(/\.$/, "")}`
          : "it was submitted for then, given back until then, or that is its turn in the rate of its key";
  return [reason("not_due", `It is scheduled until ${at}: ${why}.`), ...(await blockersAtDue(store, task))];
}

/** What would hold it then, if it stayed so. */
async function blockersAtDue(store: Store, task: Task): Promise<Reason[]> {
  const queue = (await store.queues.listQueues()).find(({ type }) => type === task.type);
  return [...explainPause(queue), ...explainMissingEngine(task, await knownEngines(store))];
}

async function explainDependencies(store: Store, task: Task): Promise<Reason[]> {
  const dependencies = await store.tasks.dependenciesOf(task.id);
  const found = await store.tasks.getTasks(dependencies.map(({ id }) => id));
  const open = dependencies.flatMap(({ id, outcome }) => {
    const on = found.get(id);
    return on === undefined || isEndedTask(on.state) ? [] : [{ id, text: `${id} to be ${outcome}; it is ${on.state}` }];
  });
  const message = `It waits for ${open.length === 1 ? "a task" : `${open.length} tasks`}: ${open.map(({ text }) => text).join(", ")}.`;
  const hint = open[0] === undefined ? null : `\`waybill why ${open[0].id}\` goes on from there.`;
  return [
    reason(
      "waits_for_tasks",
      message,
      open.map(({ id }) => id),
      hint,
    ),
  ];
}

async function explainQueued(store: Store, task: Task): Promise<Reason[]> {
  const [queues, engines] = await Promise.all([store.queues.listQueues(), knownEngines(store)]);
  const queue = queues.find(({ type }) => type === task.type);
  const running = await store.tasks.listTasks({ types: [task.type], states: ["running"] }, { limit: MOST });
  const reasons = [
    ...explainPause(queue),
    ...explainMissingEngine(task, engines),
    ...(task.gate === "key" ? [await explainKey(store, task, running)] : []),
    ...explainRate(queue),
    ...explainFullType(queue, running),
  ];
  return reasons.length > 0 ? reasons : [await explainBusy(store, task, enginesFor(engines, task.type))];
}

function explainPause(queue: QueueState | undefined): Reason[] {
  if (queue?.paused !== true) return [];
  return [
    reason(
      "paused",
      `The type "${queue.type}" is paused.`,
      [],
      `\`waybill tasks resume ${queue.type}\` lets it go on.`,
    ),
  ];
}

function explainMissingEngine({ type }: Task, engines: readonly KnownEngine[]): Reason[] {
  if (enginesFor(engines, type).length > 0) return [];
  const alive = engines.filter((engine) => engine.alive);
  if (alive.length === 0) {
    const hint = "`waybill serve --tasks FILE` runs one; `waybill work` and `waybill tasks claim` take it without.";
    return [reason("no_engine", "No engine runs.", [], hint)];
  }
  const message = `None of the ${alive.length} engines and workers that run takes the type "${type}".`;
  const names = alive.map((engine) => `${engineName(engine)}: ${engine.types.join(", ")}`);
  return [reason("unknown_type", message, names, "Define it in a module of tasks, and run an engine with that.")];
}

async function explainKey(store: Store, task: Task, running: readonly Task[]): Promise<Reason> {
  const same = (other: Task): boolean => other.concurrencyKey === task.concurrencyKey;
  const queued = await store.tasks.listTasks({ types: [task.type], states: ["queued"] }, { limit: MOST });
  const holders = [...running.filter(same), ...queued.filter((other) => same(other) && other.gate === "open")];
  const ids = holders.slice(0, NAMED).map(({ id }) => id);
  return reason("key_busy", `Its concurrency key ${JSON.stringify(task.concurrencyKey)} has no room.`, ids);
}

function explainRate(queue: QueueState | undefined): Reason[] {
  if (queue?.rate == null || queue.nextStartAt === null) return [];
  const at = new Date(queue.nextStartAt).toISOString();
  const { max, perMs } = queue.rate;
  return [reason("rate_limited", `Its type begins ${max} times in ${describeDuration(perMs)}; the next may at ${at}.`)];
}

function explainFullType(queue: QueueState | undefined, running: readonly Task[]): Reason[] {
  if (queue?.concurrency == null || running.length < queue.concurrency) return [];
  const ids = running.slice(0, NAMED).map(({ id }) => id);
  return [reason("type_full", `As many of its type run as may at once: ${queue.concurrency}.`, ids)];
}

/** Who takes it executes others, or takes nothing more since it is about to stop: which, only itself knows. */
async function explainBusy(store: Store, task: Task, engines: readonly KnownEngine[]): Promise<Reason> {
  const types = [...new Set(engines.flatMap((engine) => engine.types))];
  const [next] = await store.tasks.listReady({ types, limit: 1 });
  const place =
    next?.id === task.id
      ? "It is the next that they take"
      : `They take first what is older, or of a higher priority than ${task.priority}`;
  const message = `${place}: those that know its type execute others now, or are about to stop.`;
  return reason("engines_busy", message, engines.map(engineName), "`waybill workers list` shows what they execute.");
}
