/** Machines, findings, events, the store and the rest for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import type { FindingView, MachineView } from "../../../contracts/machines.js";
import type { EventView } from "../../../contracts/system.js";
import type { RemovalReason } from "../../../domain/retention.js";
import { facts, printable, shortId, table } from "./text.js";

export async function renderMachines({ source, machines }: OutputOf<"machines.list">): Promise<string> {
  const rows = machines.map((m) => [
    m.name,
    formatMachineStatus(m),
    `${m.active}/${m.slots}`,
    m.waiting === 0 ? "" : String(m.waiting),
    m.transport,
    m.os,
    m.tags.join(","),
    m.runs.map(shortId).join(" "),
  ]);
  const listed = await table(["MACHINE", "STATUS", "SLOTS", "WAITING", "TRANSPORT", "OS", "TAGS", "RUNS"], rows);
  return `${listed}\n${pc.dim(source)}`;
}

function formatMachineStatus({ status }: MachineView): string {
  const tone = { idle: pc.green, busy: pc.cyan, offline: pc.red, unknown: pc.dim }[status];
  return tone(status);
}

export const renderMachine = (m: MachineView): string =>
  facts([
    ["machine", m.name],
    ["status", formatMachineStatus(m)],
    ["slots", `${m.active} of ${m.slots} taken, ${m.waiting} waiting`],
    ["transport", m.transport],
    ["host", m.host],
    ["user", m.user],
    ["port", m.port],
    ["os", m.os],
    ["tags", m.tags.join(", ")],
    ["work dir", m.work_dir],
    ["variables", m.env_names.join(", ")],
    ["runs", m.runs.join(", ")],
  ]);

export function renderFindings(findings: readonly FindingView[]): string {
  const width = Math.max(0, ...findings.map((f) => f.name.length));
  return findings
    .map((f) => {
      const hint = f.hint === null ? "" : `\n    ${pc.yellow(printable(f.hint))}`;
      return `${f.ok ? pc.green("✔") : pc.red("✖")} ${f.name.padEnd(width)}  ${printable(f.value)}${hint}`;
    })
    .join("\n");
}

export const renderMachineChecks = ({ machines }: OutputOf<"machines.check">): string =>
  machines.map((m) => `${pc.bold(m.name)}\n${renderFindings(m.findings)}`).join("\n\n");

export function renderWhy({ subject, reasons }: OutputOf<"system.why">): string {
  const lines = reasons.map((r) => {
    const holders = r.holders.length === 0 ? "" : `\n    ${pc.dim("held by")} ${r.holders.map(printable).join(", ")}`;
    const hint = r.hint === null ? "" : `\n    ${pc.dim("try")} ${r.hint}`;
    return `  ${pc.cyan(r.code)}  ${printable(r.message)}${holders}${hint}`;
  });
  return [subject, ...lines].join("\n");
}

export function renderEvent(event: EventView): string {
  const data = Object.entries(event.data).map(([k, v]) => `${k}=${typeof v === "string" ? v : JSON.stringify(v)}`);
  return printable(`${event.at}  ${event.type.padEnd(24)} ${event.subject}  ${data.join(" ")}`);
}

export const renderStoreInfo = (info: OutputOf<"store.info">): string =>
  facts([
    ["store", info.url],
    ["engine", info.engine],
    ["schema", info.schema_version],
    ["size", `${(info.size_bytes / 1024).toFixed(0)} KiB`],
    ...Object.entries(info.rows).map(([name, count]): [string, number] => [`rows: ${name}`, count]),
    ["stale writes refused", info.stale_writes_refused],
    ...Object.entries(info.durability).map(([name, value]): [string, string] => [name, value]),
  ]);

const GOES_BY: Record<RemovalReason, string> = {
  age: "ended too long ago",
  count: "too many newer runs of its ref",
  log_bytes: "all logs together take too much",
};

export function renderGarbage(report: OutputOf<"store.gc">): string {
  const verb = report.dry_run ? "Would remove" : "Removed";
  const { runs, batches, events, trees } = report;
  const why = report.dry_run ? runs.map((id) => `${id}  ${GOES_BY[report.reasons[id] ?? "age"]}\n`).join("") : "";
  return `${why}${verb} ${runs.length} runs, ${batches.length} batches, ${events} events, ${trees.length} frozen trees.`;
}

export const renderConfig = async ({ settings }: OutputOf<"config.show">): Promise<string> =>
  await table(
    ["SETTING", "VALUE", "FROM"],
    settings.map((s) => [s.name, printable(s.value), s.origin]),
  );

export async function renderSchema({ operations }: OutputOf<"system.schema">): Promise<string> {
  const [only] = operations;
  if (only?.input !== undefined) return JSON.stringify({ input: only.input, output: only.output }, null, 2);
  return await table(
    ["OPERATION", "COMMAND", "EFFECT", "SUMMARY"],
    operations.map((o) => [o.name, `waybill ${o.command}`, o.effect, o.summary]),
  );
}
