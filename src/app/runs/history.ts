/** `waybill history`: how runs of a ref compare over time. Filters are applied by the store, before the limit. */
import { momentMs, toMaybeTime, toTime } from "../../contracts/fields.js";
import { MOST_COUNTED, type PastRunView, type RefHistoryView } from "../../contracts/history.js";
import type { OutputOf, ParsedInputOf } from "../../contracts/index.js";
import { toRunView } from "../../contracts/run-views.js";
import { firstIdAt, HISTORY_WINDOW, median, trendOf } from "../../domain/history.js";
import type { Run } from "../../domain/run.js";
import type { RunFilter, RunPage } from "../../store/run-store.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";
import { parseLabelFlags } from "./environment-flags.js";
import { findRun } from "./find-run.js";

type Input = ParsedInputOf<"runs.history">;
type Output = OutputOf<"runs.history">;

/** What is asked for: runs that match, between two ids. */
interface Question {
  readonly filter: RunFilter;
  readonly bounds: Pick<RunPage, "before" | "from">;
}

export const history: CallHandler<"runs.history"> = async (context, input) => {
  const store = await context.store();
  const asked = await toQuestion(store, input);
  return input.ref === undefined ? await overview(store, asked, input) : await oneRef(store, asked, input, input.ref);
};

async function toQuestion(store: Store, input: Input): Promise<Question> {
  const now = await store.now();
  const from = input.since === undefined ? {} : { from: firstIdAt(momentMs(input.since, now)) };
  const before = input.until === undefined ? {} : { before: firstIdAt(momentMs(input.until, now)) };
  const filter = {
    ...(input.status.length === 0 ? {} : { statuses: input.status }),
    ...(input.label.length === 0 ? {} : { labels: parseLabelFlags(input.label) }),
    ...(input.source === undefined ? {} : { source: input.source }),
  };
  return { filter, bounds: { ...from, ...before } };
}

/** Refs without a matching run are left out, and do not count for the limit. */
async function overview(store: Store, asked: Question, input: Input): Promise<Output> {
  const refs: RefHistoryView[] = [];
  let after: string | null = input.after ?? null;
  while (refs.length < input.limit) {
    const names = await store.history.listRefs(after, input.limit - refs.length);
    for (const ref of names) {
      const found = await summarize(store, asked, ref);
      if (found !== null) refs.push(found);
    }
    after = names.at(-1) ?? null;
    if (after === null) break;
  }
  return { kind: "refs", refs, next: after };
}

async function oneRef(store: Store, asked: Question, input: Input, ref: string): Promise<Output> {
  const older = input.before === undefined ? undefined : (await findRun(store, input.before)).id;
  const until = [older, asked.bounds.before].filter((id) => id !== undefined).sort()[0];
  const bounds = { ...asked.bounds, ...(until === undefined ? {} : { before: until }) };
  const runs = await store.runs.listRuns({ ...asked.filter, ref }, { ...bounds, limit: input.limit });
  return {
    kind: "runs",
    summary: await summarize(store, asked, ref),
    runs: await Promise.all(runs.map((run) => compare(store, run))),
    next: runs.length < input.limit ? null : (runs.at(-1)?.id ?? null),
  };
}

const durationOf = (run: Run): number | null =>
  run.startedAt === null || run.endedAt === null ? null : run.endedAt - run.startedAt;

async function compare(store: Store, run: Run): Promise<PastRunView> {
  const before = await store.history.durationsBefore(run.ref, run.id, HISTORY_WINDOW);
  const duration = durationOf(run);
  return {
    run: toRunView(run),
    duration_ms: duration,
    median_before_ms: median(before),
    trend: run.status === "completed" && duration !== null ? trendOf(duration, before) : null,
  };
}

async function summarize(store: Store, { filter, bounds }: Question, ref: string): Promise<RefHistoryView | null> {
  const wanted = { ...filter, ref };
  const [last] = await store.runs.listRuns(wanted, { ...bounds, limit: 1 });
  if (last === undefined) return null;
  const timed = { statuses: ["completed"] as const, ...wanted };
  const newest = await store.runs.listRuns(timed, { ...bounds, limit: HISTORY_WINDOW });
  const [latest, ...before] = newest.map(durationOf).filter((duration) => duration !== null);
  const durations = latest === undefined ? [] : [latest, ...before];
  return {
    ref,
    runs: await store.history.countUpTo(wanted, bounds, MOST_COUNTED),
    last_run_id: last.id,
    last_status: last.status,
    last_created_at: toTime(last.createdAt),
    last_started_at: toMaybeTime(last.startedAt),
    typical_ms: median(durations),
    trend: latest === undefined ? null : trendOf(latest, before),
    durations_ms: durations.reverse(),
  };
}
