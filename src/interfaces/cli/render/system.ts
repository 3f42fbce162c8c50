/** Reasons, events, the store and the rest for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import type { EventView } from "../../../contracts/system.js";
import type { RemovalReason } from "../../../domain/retention.js";
import { facts, printable, table } from "./text.js";

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
  const { runs, batches, tasks, events, trees } = report;
  const why = report.dry_run ? runs.map((id) => `${id}  ${GOES_BY[report.reasons[id] ?? "age"]}\n`).join("") : "";
  const counts = `${verb} ${runs.length} runs, ${batches.length} batches, ${tasks} tasks, ${events} events, ${trees.length} frozen trees.`;
  return `${why}${counts}\n${pc.dim("What runs left on machines: waybill machines gc")}`;
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
