/** How runs compare over time, for people. */
import pc from "picocolors";
import { MOST_COUNTED, type PastRunView, type RefHistoryView } from "../../../contracts/history.js";
import type { OutputOf } from "../../../contracts/index.js";
import { describeDuration } from "../../../domain/duration.js";
import type { Trend } from "../../../domain/history.js";
import { formatStatus, formatTime, printable, shortId, table } from "./text.js";

const ARROWS: Record<Trend, string> = { slower: pc.red("↑"), steady: "→", faster: pc.green("↓") };
const BARS = "▁▂▃▄▅▆▇█";

/** One bar a value, the lowest for the smallest and the highest for the largest; equal values are all in the middle. */
export function sparkline(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const levels = BARS.length - 1;
  const level = (value: number) => (high === low ? 3 : Math.round(((value - low) / (high - low)) * levels));
  return values.map((value) => BARS[level(value)]).join("");
}

const arrow = (trend: Trend | null): string => (trend === null ? "" : ARROWS[trend]);
const took = (ms: number | null): string => (ms === null ? "" : describeDuration(ms));

export async function renderHistory(data: OutputOf<"runs.history">): Promise<string> {
  const more = data.next === null ? null : JSON.stringify(data.next);
  if (data.kind === "refs") {
    return await renderRefs(data.refs, more);
  }
  return await renderPastRuns(data.summary, data.runs, more);
}

async function renderRefs(refs: readonly RefHistoryView[], next: string | null): Promise<string> {
  if (refs.length === 0) return "No runs.";
  const now = Date.now();
  const rows = refs.map((ref) => [
    printable(ref.ref),
    formatStatus(ref.last_status),
    formatTime(ref.last_created_at, now),
    ref.runs < MOST_COUNTED ? String(ref.runs) : `${MOST_COUNTED}+`,
    took(ref.typical_ms),
    arrow(ref.trend),
    sparkline(ref.durations_ms),
  ]);
  const listed = await table(["REF", "LAST", "SUBMITTED", "RUNS", "TYPICAL", "TREND", "DURATIONS"], rows);
  return next === null ? listed : `${listed}\n${pc.dim(`more: --after ${next}`)}`;
}

async function renderPastRuns(
  summary: RefHistoryView | null,
  runs: readonly PastRunView[],
  next: string | null,
): Promise<string> {
  if (summary === null) return "No runs.";
  const now = Date.now();
  const rows = runs.map(({ run, duration_ms, median_before_ms, trend }) => [
    shortId(run.id),
    formatStatus(run.status),
    run.machine,
    formatTime(run.created_at, now),
    took(duration_ms),
    arrow(trend),
    took(median_before_ms),
    run.exit_code === null ? "" : String(run.exit_code),
  ]);
  const head = ["RUN", "STATUS", "MACHINE", "SUBMITTED", "DURATION", "TREND", "BEFORE", "EXIT"];
  const typical = summary.typical_ms === null ? "" : `  typical ${took(summary.typical_ms)}`;
  const title = `${printable(summary.ref)}  ${sparkline(summary.durations_ms)}${typical}  ${arrow(summary.trend)}`;
  const listed = `${title.trimEnd()}\n${await table(head, rows)}`;
  return next === null ? listed : `${listed}\n${pc.dim(`more: --before ${next}`)}`;
}
