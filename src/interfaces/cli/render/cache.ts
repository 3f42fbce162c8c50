/** The cache for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import { describeByteSize } from "../../../domain/byte-size.js";
import { renderOutcome } from "./runs.js";
import { elapsed, printable, table } from "./text.js";

export async function renderCache(data: OutputOf<"cache.list">): Promise<string> {
  const { entries, next, size_bytes, max_bytes } = data;
  const sum = pc.dim(`${describeByteSize(size_bytes)} of ${describeByteSize(max_bytes)} used`);
  if (entries.length === 0) return `Nothing is cached.\n${sum}`;
  const now = Date.now();
  const rows = entries.map((entry) => [
    printable(entry.key),
    describeByteSize(entry.size_bytes),
    elapsed(entry.created_at, null, now),
    elapsed(entry.used_at, null, now),
    entry.expires_at ?? "",
  ]);
  const listed = await table(["KEY", "SIZE", "AGE", "USED", "EXPIRES"], rows);
  const more = next === null ? "" : `\n${pc.dim(`more: --after ${JSON.stringify(next)}`)}`;
  return `${listed}\n${sum}${more}`;
}

/** What is said of a command that was spared; one that ran speaks for itself. */
export function renderCachedRun({ hit, run }: OutputOf<"cache.run">): string {
  if (!hit) return renderOutcome(run);
  const artifacts = run.artifacts_path === null ? "" : `\nartifacts: ${printable(run.artifacts_path)}`;
  return `unchanged since run ${run.id}: its log was printed, nothing was executed${artifacts}`;
}
