/** Runs for people. */
import pc from "picocolors";
import type { ContactChange } from "../../../contracts/contact-change.js";
import type { OutputOf } from "../../../contracts/index.js";
import type { RunDetailView, RunView } from "../../../contracts/run-views.js";
import { describeDuration } from "../../../domain/duration.js";
import { elapsed, facts, formatStatus, formatTime, printable, shortId, table } from "./text.js";

export async function renderRuns(runs: readonly RunView[], next: string | null): Promise<string> {
  if (runs.length === 0) return "No runs.";
  const now = Date.now();
  const rows = runs.map((run) => [
    shortId(run.id),
    formatStatus(run.status),
    run.machine,
    printable(run.ref),
    formatTime(run.created_at, now),
    elapsed(run.started_at, run.ended_at, now),
    run.exit_code === null ? "" : String(run.exit_code),
    run.error_code ?? "",
  ]);
  const listed = await table(["RUN", "STATUS", "MACHINE", "REF", "SUBMITTED", "DURATION", "EXIT", "ERROR"], rows);
  return next === null ? listed : `${listed}\n${pc.dim(`more: --before ${next}`)}`;
}

export function renderRunDetail(run: RunDetailView): string {
  const now = Date.now();
  return facts([
    ["run", run.id],
    ["status", formatStatus(run.status)],
    ["exit code", run.exit_code],
    ["signal", run.signal],
    ["error", run.error_code === null ? null : `${run.error_code}: ${printable(run.error_msg ?? "")}`],
    ["machine", run.slot === null ? run.machine : `${run.machine} (slot ${run.slot})`],
    ["directory", printable(run.test_dir)],
    ["tree", run.test_dir_hash],
    ["command", printable([run.entrypoint, ...run.args].join(" "))],
    ["variables", run.env_names.join(", ")],
    ["ref", printable(run.ref)],
    ["batch", run.batch_id === undefined ? null : `${run.batch_id} / ${run.plan_entry}`],
    ["attempt", run.retries === 0 && run.attempt === 1 ? null : `${run.attempt} of ${run.retries + 1}`],
    ["submitted", `${run.created_at} by ${run.created_by}`],
    ["source", printable(run.source ?? "")],
    ["client", printable(run.client ?? "")],
    ["session", printable(run.session ?? "")],
    ["started", run.started_at],
    ["ended", run.ended_at],
    ["duration", elapsed(run.started_at, run.ended_at, now)],
    ["unreachable since", run.unreachable_since],
    ["log", run.logs_path],
    ["pinned", run.pinned ? "yes" : null],
    [
      "artifacts",
      run.artifacts_path ?? (run.artifact_state === "failed" ? `not fetched: ${run.artifact_error}` : null),
    ],
    [
      "labels",
      Object.entries(run.labels ?? {})
        .map(([k, v]) => `${k}=${v}`)
        .join(" "),
    ],
  ]);
}

/** A line beside the log, for whoever waits for a run. */
export function renderContact(change: ContactChange): string {
  switch (change.type) {
    case "lost": {
      const meanwhile = change.isAsked ? "what runs there goes on" : "nothing was started there yet";
      return `${change.machine} does not answer (${change.code}); ${meanwhile}. Waiting for it.`;
    }
    case "back":
      return `${change.machine} answers again, after ${describeDuration(change.afterMs)}`;
    case "moved":
      return `moved from ${change.from} to ${change.to}: ${change.reason}`;
    case "returned":
      return "the machine that had it first is back with an end of its own, which counts";
  }
}

/** The line that ends a `waybill run`. */
export function renderOutcome(run: RunView): string {
  const took = elapsed(run.started_at, run.ended_at, Date.now());
  const parts = [
    `${formatStatus(run.status)}${took === "" ? "" : ` in ${took}`}`,
    run.exit_code === null ? null : `exit ${run.exit_code}`,
    run.error_code === null || run.error_code === "nonzero_exit" ? null : `${run.error_code}: ${run.error_msg}`,
    `run ${run.id} on ${run.machine}`,
    run.artifacts_path === null ? null : `artifacts ${run.artifacts_path}`,
    run.artifact_state === "failed" ? `artifacts not fetched: ${run.artifact_error}` : null,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

export async function renderArtifacts(found: OutputOf<"runs.artifacts">): Promise<string> {
  if (found.state === "failed") return `Not fetched: ${found.error}\nTry again with --fetch.`;
  if (found.path === null) return "No artifacts.";
  const rows = found.files.map((file) => [
    file.sha256.slice(0, 16),
    String(file.size ?? "not here"),
    printable(file.path),
  ]);
  return `${found.path}\n${await table(["SHA-256", "BYTES", "FILE"], rows)}`;
}
