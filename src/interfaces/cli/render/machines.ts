/** Machines for people: the list, one, what was found on each, and what was removed. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import type { FindingView, MachineView } from "../../../contracts/machines.js";
import { describeByteSize } from "../../../domain/byte-size.js";
import { describeDrain } from "../../../domain/machine-note.js";
import { facts, formatTime, printable, shortId, table } from "./text.js";

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

function formatMachineStatus({ status, drained }: MachineView): string {
  const tone = { idle: pc.green, busy: pc.cyan, offline: pc.red, unknown: pc.dim }[status];
  return drained === null ? tone(status) : `${tone(status)}, ${pc.yellow("drained")}`;
}

export function renderMachine(m: MachineView): string {
  const now = Date.now();
  const failed = m.last_error === null ? null : `${m.last_error}, ${formatTime(m.last_failure_at, now)}`;
  const drained = m.drained === null ? null : describeDrain({ ...m.drained, at: Date.parse(m.drained.at) });
  return facts([
    ["machine", m.name],
    ["status", formatMachineStatus(m)],
    ["taken out", drained === null ? null : printable(drained)],
    ["answered", formatTime(m.last_contact_at, now)],
    ["failed", failed],
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
}

const mark = (ok: boolean): string => (ok ? pc.green("✔") : pc.red("✖"));

export function renderFindings(findings: readonly FindingView[]): string {
  const width = Math.max(0, ...findings.map((f) => f.name.length));
  return findings
    .map((f) => {
      const hint = f.hint === null ? "" : `\n    ${pc.yellow(printable(f.hint))}`;
      return `${mark(f.ok)} ${f.name.padEnd(width)}  ${printable(f.value)}${hint}`;
    })
    .join("\n");
}

/** A few machines one by one; a fleet as a table of what was found, with what to do below. */
const AS_LISTS = 3;

export async function renderMachineChecks({ machines }: OutputOf<"machines.check">): Promise<string> {
  if (machines.length <= AS_LISTS) {
    return machines.map((m) => `${pc.bold(m.name)}\n${renderFindings(m.findings)}`).join("\n\n");
  }
  const names = [...new Set(machines.flatMap((m) => m.findings.map((f) => f.name)))].filter((name) => name !== "reach");
  const rows = machines.map((m) => [
    `${mark(m.ok)} ${m.name}`,
    ...names.map((name) => {
      const found = m.findings.find((f) => f.name === name);
      return found === undefined ? "" : found.ok ? printable(found.value) : pc.red(`✖ ${printable(found.value)}`);
    }),
  ]);
  const bad = machines.flatMap((m) => m.findings.filter((f) => !f.ok).map((f) => ({ machine: m.name, ...f })));
  const told = bad.map((f) => {
    const hint = f.hint === null ? "" : `\n    ${pc.yellow(printable(f.hint))}`;
    return `${pc.red("✖")} ${f.machine}: ${f.name}  ${printable(f.value)}${hint}`;
  });
  const head = ["MACHINE", ...names.map((name) => name.toUpperCase())];
  return [await table(head, rows), ...(told.length === 0 ? [] : ["", ...told])].join("\n");
}

export async function renderMachineGarbage(report: OutputOf<"machines.gc">): Promise<string> {
  const rows = report.machines.flatMap((m) =>
    m.removed.map((item) => [
      m.name,
      item.kind,
      printable(item.name),
      describeByteSize(item.bytes),
      formatTime(item.last_used_at, Date.now()),
    ]),
  );
  const listed = rows.length === 0 ? [] : [await table(["MACHINE", "KIND", "NAME", "SIZE", "LAST USED"], rows)];
  const verb = report.dry_run ? "would free" : "freed";
  const sums = report.machines.map((m) =>
    m.error === null
      ? `${m.name}: ${verb} ${describeByteSize(m.freed_bytes)}, ${describeByteSize(m.kept_bytes)} left`
      : `${pc.red("✖")} ${m.name}: ${printable(m.error.message)} (${m.error.code})`,
  );
  return [...listed, ...sums].join("\n");
}

/** Printed, it is a file that can be kept: what was left out is told in comments. */
export function renderImport({ written, yaml, added, skipped }: OutputOf<"machines.import">): string {
  const left = skipped.map(({ name, reason }) => `${printable(name)}: ${reason}`);
  if (written === null) return [yaml.trimEnd(), ...left.map((line) => `# left out ${line}`)].join("\n");
  const lines = added.map(({ name, about }) => `${pc.green("+")} ${name}  ${pc.dim(printable(about))}`);
  const count = `${added.length} added to ${printable(written)}`;
  return [...lines, ...left.map((line) => `${pc.dim("left out")} ${line}`), count].join("\n");
}
