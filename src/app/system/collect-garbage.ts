/** Removes what is finished and old: records first, then the files that nothing refers to any more. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { durationMs } from "../../contracts/fields.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";

export const collectGarbage: CallHandler<"store.gc"> = async (context, input) => {
  const store = await context.store();
  const { home } = context.settings;
  const endedBefore = (await store.now()) - (durationMs(input.older_than) ?? 0);
  const report = await store.collectGarbage({ endedBefore, dryRun: input.dry_run });
  const trees = await unusedTrees(store, home.trees, endedBefore);
  if (!input.dry_run) {
    const doomed = [...report.runIds.map((id) => home.runDir(id)), ...trees.map((hash) => join(home.trees, hash))];
    for (const path of doomed) await rm(path, { recursive: true, force: true });
  }
  return {
    dry_run: input.dry_run,
    runs: [...report.runIds],
    batches: [...report.batchIds],
    events: report.events,
    trees,
  };
};

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
    if (!needed.has(name) && (await stat(join(treesDir, name))).ctimeMs < before) unused.push(name);
  }
  return unused;
}
