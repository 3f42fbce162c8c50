/** Removes what is finished and old: records first, then the files that nothing refers to any more. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Home } from "../../config/home.js";
import { durationMs } from "../../contracts/fields.js";
import type { Retention } from "../../domain/retention.js";
import { manifestPath } from "../../machines/tree/tree-manifest.js";
import type { GcPolicy, Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";

/** How long a frozen tree lies before it goes, when nobody says otherwise: making it again costs a copy. */
const TREES_KEPT_MS = 30 * 86_400_000;

export const collectGarbage: CallHandler<"store.gc"> = async (context, input) => {
  const store = await context.store();
  const olderThan = durationMs(input.older_than);
  const now = await store.now();
  const policy =
    olderThan === null ? retentionPolicy(context.settings.retention, now) : { endedBefore: now - olderThan };
  const report = await store.collectGarbage({ ...policy, dryRun: input.dry_run });
  const trees = await unusedTrees(store, context.settings.home.trees, now - (olderThan ?? TREES_KEPT_MS));
  if (!input.dry_run) await removeFiles(context.settings.home, report.runIds, trees);
  return {
    dry_run: input.dry_run,
    runs: [...report.runIds],
    reasons: Object.fromEntries(report.reasons),
    batches: [...report.batchIds],
    tasks: report.tasks,
    events: report.events,
    trees,
  };
};

/** Everything that the retention does not keep. */
export function retentionPolicy(retention: Retention, now: number): Omit<GcPolicy, "dryRun"> {
  return { endedBefore: retention.ageMs === null ? Number.MIN_SAFE_INTEGER : now - retention.ageMs, retention };
}

export async function removeFiles(home: Home, runIds: readonly string[], trees: readonly string[]): Promise<void> {
  const doomed = [
    ...runIds.map((id) => home.runDir(id)),
    ...trees.flatMap((hash) => [join(home.trees, hash), manifestPath(join(home.trees, hash))]),
  ];
  for (const path of doomed) await rm(path, { recursive: true, force: true });
}

/** Frozen trees, half-made ones included, that no active run and no queued item needs and that are older than the limit. */
async function unusedTrees(store: Store, treesDir: string, before: number): Promise<string[]> {
  const needed = new Set((await store.runs.activeRuns()).map((run) => run.testDirHash));
  for (const batch of await store.batches.batchesWithQueuedItems()) {
    for (const item of batch.items) if (item.state === "queued") needed.add(item.spec.testDirHash);
  }
  const names = await readdir(treesDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const unused: string[] = [];
  for (const name of names) {
    // A manifest goes with its tree.
    if (name.endsWith(manifestPath(""))) continue;
    if (!needed.has(name) && (await stat(join(treesDir, name))).ctimeMs < before) unused.push(name);
  }
  return unused;
}
