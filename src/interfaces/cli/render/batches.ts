/** Batches for people. */
import pc from "picocolors";
import type { BatchReport, BatchView, ItemView, PlacementReport } from "../../../contracts/batch-views.js";
import type { OutputOf } from "../../../contracts/index.js";
import { describeDuration } from "../../../domain/duration.js";
import { isTerminal } from "../../../domain/run.js";
import { elapsed, formatStatus, formatTime, printable, shortId, table } from "./text.js";

export async function renderReport(report: BatchReport): Promise<string> {
  const now = Date.now();
  const rows = report.items.map((item) => [
    item.name,
    formatItemState(item),
    item.machine ?? pc.dim(item.selector),
    elapsed(item.run?.started_at ?? null, item.run?.ended_at ?? null, now),
    item.run?.exit_code == null ? "" : String(item.run.exit_code),
    item.run_id === undefined ? "" : shortId(item.run_id),
    printable(explain(item)),
  ]);
  const listed = await table(["ENTRY", "OUTCOME", "MACHINE", "DURATION", "EXIT", "RUN", ""], rows);
  return `${listed}\n\n${renderCounts(report)}`;
}

function formatItemState(item: ItemView): string {
  if (item.run !== null) return formatStatus(item.run.status);
  return item.state === "skipped" ? pc.yellow("- skipped") : pc.dim(`· ${item.state}`);
}

function explain(item: ItemView): string {
  if (item.state === "skipped") return item.error_msg ?? item.error_code ?? "";
  if (item.run === null || item.run.error_code === null || item.run.error_code === "nonzero_exit") return "";
  return `${item.run.error_code}: ${item.run.error_msg}`;
}

/** `batch 0199… against 1.4.2: 8 of 10 completed, 1 failed, 1 timeout`. */
export function renderCounts({ batch, progress }: BatchReport): string {
  const { completed, ...rest } = progress.by_status;
  const others = Object.entries({ ...rest, queued: progress.queued, skipped: progress.skipped });
  const named = others.flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  const counts = [`${completed} of ${progress.total} completed`, ...named].join(", ");
  return `batch ${batch.id} against ${printable(batch.staging)}: ${counts}`;
}

/** The moving part while a batch runs: a bar, counts, the estimate, and what is running now. */
export function renderProgress(report: BatchReport, columns: number): string {
  const { progress } = report;
  const now = Date.now();
  const width = Math.max(10, Math.min(40, columns - 60));
  const filled = progress.total === 0 ? width : Math.floor((progress.done / progress.total) * width);
  const bar = `${pc.green("█".repeat(filled))}${pc.dim("░".repeat(width - filled))}`;
  const eta = progress.eta_ms === null || progress.finished ? "" : ` · about ${describeDuration(progress.eta_ms)} left`;
  const failed = progress.by_status.failed + progress.by_status.timeout + progress.by_status.interrupted;
  const head = `${bar} ${progress.done}/${progress.total}${failed > 0 ? pc.red(` · ${failed} failed`) : ""}${eta}`;
  const running = report.items.filter((item) => item.run?.status === "running" || item.run?.status === "pending");
  const lines = running.slice(0, 12).map((item) => {
    const took = elapsed(item.run?.started_at ?? null, null, now);
    const silent = item.run?.unreachable_since == null ? "" : " (does not answer)";
    return `  ${formatStatus(item.run?.status ?? "pending")}  ${item.name}  ${pc.dim(`${item.machine}${silent} ${took}`)}`;
  });
  const more = running.length > lines.length ? [pc.dim(`  and ${running.length - lines.length} more`)] : [];
  return [head, ...lines, ...more].join("\n");
}

/** What changed between two reports, a line each: for logs and pipes, where nothing can move. */
export function renderChanges(before: BatchReport | null, after: BatchReport): string[] {
  const known = new Map(before?.items.map((item) => [item.name, item]));
  return after.items.flatMap((item) => {
    const old = known.get(item.name);
    const contact = renderContactOf(old, item);
    if (contact !== null) return [contact];
    if (old?.state === item.state && old.run?.status === item.run?.status) return [];
    if (item.state === "queued" || item.run?.status === "pending") return [];
    const took = elapsed(item.run?.started_at ?? null, item.run?.ended_at ?? null, Date.now());
    const where = item.machine === undefined ? "" : ` on ${item.machine}`;
    const note = explain(item) === "" ? "" : `: ${printable(explain(item))}`;
    const duration = item.run?.ended_at == null ? "" : ` in ${took}`;
    return [`${formatItemState(item)}  ${item.name}${where}${duration}${note}`];
  });
}

/** A line when the machine of an entry's run stopped answering, or answers again. */
function renderContactOf(old: ItemView | undefined, item: ItemView): string | null {
  const { run, machine } = item;
  if (run === null || isTerminal(run.status)) return null;
  const wasSilent = old?.run?.unreachable_since != null;
  const isSilent = run.unreachable_since !== null;
  if (isSilent === wasSilent) return null;
  if (isSilent) return `${item.name}: ${machine} does not answer; waiting for it`;
  return old?.machine === machine ? `${item.name}: ${machine} answers again` : null;
}

export async function renderPlacement(report: PlacementReport): Promise<string> {
  const rows = report.placements.map((p) => [
    p.name,
    p.selector,
    p.decision,
    p.machine ?? "",
    printable(p.reason ?? ""),
  ]);
  const listed = await table(["ENTRY", "SELECTOR", "DECISION", "MACHINE", "WHY"], rows);
  const resumes = report.existing_batch_id === null ? "a new batch" : `batch ${report.existing_batch_id}, resumed`;
  return `${listed}\n\nNothing was done. It would be ${resumes} against ${printable(report.staging)}.`;
}

export async function renderBatches(batches: readonly BatchView[], next: string | null): Promise<string> {
  if (batches.length === 0) return "No batches.";
  const now = Date.now();
  const rows = batches.map((batch) => [
    shortId(batch.id),
    printable(batch.staging),
    String(batch.expected_count),
    formatTime(batch.created_at, now),
    batch.created_by,
    printable(batch.source),
  ]);
  const listed = await table(["BATCH", "STAGING", "ENTRIES", "CREATED", "BY", "SOURCE"], rows);
  return next === null ? listed : `${listed}\n${pc.dim(`more: --before ${next}`)}`;
}

export async function renderPlanCheck(found: OutputOf<"plans.check">): Promise<string> {
  const rows = found.entries.map((e) => [e.name, e.dir, e.selector, e.machines.join(", ") || pc.yellow("none")]);
  const warnings = found.warnings.map((w) => pc.yellow(`warning: ${w}`));
  return [
    await table(["ENTRY", "DIRECTORY", "SELECTOR", "MACHINES"], rows),
    ...warnings,
    `plan ${found.plan_hash}`,
  ].join("\n");
}
