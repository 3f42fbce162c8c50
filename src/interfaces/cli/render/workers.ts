/** Engines and workers for people: the list, one, and what changes from look to look. */
import pc from "picocolors";
import type { WorkersFrame, WorkerView } from "../../../contracts/workers.js";
import { describeDuration } from "../../../domain/duration.js";
import { elapsed, facts, formatTime, printable, shortId, shortJson, table } from "./text.js";

/** Tasks named in a row of the list; the rest is counted. */
const NAMED = 3;

type TaskLine = WorkerView["tasks"][number];

const leaseOf = ({ alive, lease_left_ms: left }: WorkerView): string =>
  alive ? describeDuration(left) : pc.red("gone");
const whereOf = ({ pid, host }: WorkerView): string => `${pid === null ? "" : `pid ${pid} on `}${printable(host)}`;

/** Who it says to be; an engine says nothing. */
export const nameOf = ({ agent_id: agentId, id }: Pick<WorkerView, "agent_id" | "id">): string =>
  printable(agentId ?? shortId(id)).replace(/[\n\t]/g, " ");

export async function renderWorkers({ at, workers }: WorkersFrame): Promise<string> {
  if (workers.length === 0) return "Nobody executes tasks.";
  const now = Date.parse(at);
  const rows = workers.map((worker) => [
    nameOf(worker),
    worker.kind,
    whereOf(worker),
    elapsed(worker.since, null, now),
    leaseOf(worker),
    doing(worker.tasks, now),
    printable(shortId(worker.session ?? "")),
  ]);
  return await table(["AGENT", "KIND", "PROCESS", "FOR", "LEASE LEFT", "DOES", "SESSION"], rows);
}

function doing(tasks: readonly TaskLine[], now: number): string {
  const named = tasks.slice(0, NAMED).map((task) => `${nameOfTask(task)} ${elapsed(task.started_at, null, now)}`);
  const more = tasks.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

const nameOfTask = ({ type, id }: Pick<TaskLine, "type" | "id">): string => `${printable(type)} ${shortId(id)}`;

export async function renderWorker(worker: WorkerView): Promise<string> {
  const now = Date.now();
  const known = facts([
    ["worker", worker.id],
    ["kind", worker.kind],
    ["agent", worker.agent_id === null ? null : nameOf(worker)],
    ["session", printable(worker.session ?? "")],
    ["process", whereOf(worker)],
    ["works in", printable(worker.workspace ?? "")],
    ["takes", printable(worker.types.join(", "))],
    ["since", `${formatTime(worker.since, now)} (${elapsed(worker.since, null, now)})`],
    ["lease left", leaseOf(worker)],
  ]);
  if (worker.tasks.length === 0) return known;
  const rows = worker.tasks.map((task) => [
    task.id,
    printable(task.type),
    String(task.attempt),
    String(task.fence),
    elapsed(task.started_at, null, now),
    shortJson(task.progress) ?? "",
  ]);
  return `${known}\n\n${await table(["TASK", "TYPE", "ATTEMPT", "FENCE", "FOR", "PROGRESS"], rows)}`;
}

/** What is different from one look to the next, a line each; of the first look, who is there. */
export function renderWorkerChanges(before: WorkersFrame | null, { at, workers }: WorkersFrame): string[] {
  const known = new Map(before?.workers.map((worker) => [worker.id, worker]));
  const present = new Set(workers.map(({ id }) => id));
  const gone = [...known.values()].filter(({ id }) => !present.has(id));
  const lines = [
    ...gone.flatMap((worker) => [...ends(worker, worker.tasks), `${nameOf(worker)} has left`]),
    ...workers.flatMap((worker) => changesOf(known.get(worker.id), worker)),
  ];
  return lines.map((line) => `${formatTime(at, Date.parse(at))} ${line}`);
}

function changesOf(before: WorkerView | undefined, worker: WorkerView): string[] {
  const old = new Map(before?.tasks.map((task) => [task.fence, task]));
  const fences = new Set(worker.tasks.map(({ fence }) => fence));
  const begun = worker.tasks.filter(({ fence }) => !old.has(fence));
  return [
    ...(before === undefined ? [`${nameOf(worker)} is there: ${worker.kind}, ${whereOf(worker)}`] : []),
    ...(worker.alive || before?.alive === false ? [] : [`${nameOf(worker)} gives no sign of life any more`]),
    ...ends(
      worker,
      [...old.values()].filter(({ fence }) => !fences.has(fence)),
    ),
    ...begun.map((task) => `${nameOf(worker)} executes ${nameOfTask(task)}, attempt ${task.attempt}`),
  ];
}

const ends = (worker: WorkerView, tasks: readonly TaskLine[]): string[] =>
  tasks.map((task) => `${nameOf(worker)} no longer executes ${nameOfTask(task)}`);
