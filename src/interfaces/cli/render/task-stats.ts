/** Queues and engines for people: the frame of `tasks top`. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import type { EngineView, TaskStatsView, TypeStatsView } from "../../../contracts/task-queues.js";
import { elapsed, formatTime, printable, shortId, table } from "./text.js";

/** Tasks named of each engine; the rest is counted. */
const NAMED = 5;

export async function renderTaskStats(stats: TaskStatsView): Promise<string> {
  const now = Date.parse(stats.at);
  const rows = stats.types.map((type) => typeRow(type, now));
  const head = ["TYPE", "QUEUED", "SCHEDULED", "RUNNING", "DEAD", "OLDEST", "ENDED/MIN", "FAILED/MIN", "ENGINES", ""];
  const types = rows.length === 0 ? "No tasks." : await table(head, rows);
  const engines =
    stats.engines.length === 0 ? "No engine runs." : stats.engines.map((one) => engineLines(one, now)).join("\n");
  return `${types}\n\n${engines}`;
}

const some = (count: number): string => (count === 0 ? pc.dim("0") : String(count));
const alarming = (count: number): string => (count === 0 ? pc.dim("0") : pc.red(String(count)));

function typeRow(type: TypeStatsView, now: number): string[] {
  const { states, concurrency } = type;
  return [
    printable(type.type),
    some(states.queued),
    some(states.scheduled),
    `${some(states.running)}${concurrency === null ? "" : pc.dim(` of ${concurrency}`)}`,
    alarming(states.failed),
    elapsed(type.oldest_queued_at, null, now),
    some(type.ended_per_minute),
    alarming(type.failed_per_minute),
    some(type.engines),
    noteOn(type, now),
  ];
}

/** What keeps its tasks from beginning. */
function noteOn(type: TypeStatsView, now: number): string {
  if (type.paused) return pc.yellow("paused");
  if (type.engines === 0 && type.states.queued > 0) return pc.yellow("no engine knows it");
  return type.next_start_at === null ? "" : pc.yellow(`rate limited until ${formatTime(type.next_start_at, now)}`);
}

function engineLines(engine: EngineView, now: number): string {
  const name = pc.bold(`pid ${engine.pid} on ${printable(engine.host)}`);
  const state = engine.alive ? `for ${elapsed(engine.since, null, now)}, ${engine.running} running` : pc.red("gone");
  const tasks = engine.tasks.slice(0, NAMED).map(({ id, type, attempt, started_at: startedAt }) => {
    const again = attempt > 1 ? pc.dim(` attempt ${attempt}`) : "";
    return `  ${pc.cyan("▶")} ${printable(type)} ${shortId(id)} ${pc.dim(elapsed(startedAt, null, now))}${again}`;
  });
  const more = engine.running > tasks.length ? [pc.dim(`  and ${engine.running - tasks.length} more`)] : [];
  return [
    `${engine.kind === "work" ? "worker" : "engine"} ${name}  ${state}  ${pc.dim(printable(engine.types.join(", ")))}`,
    ...tasks,
    ...more,
  ].join("\n");
}

export const renderQueues = ({ queues }: OutputOf<"tasks.pause">): string =>
  queues.map(({ type, paused }) => `${printable(type)} ${paused ? "is paused" : "goes on"}`).join("\n");
