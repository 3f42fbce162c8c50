/**
 * Several processes write to one file, one awaited write at a time, at full durability. Wanted: shares within 2x of each
 * other and no wait above 100 ms, at 60 % or more of what one process alone writes.
 */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleStore } from "./store/bundle.mjs";

const run = promisify(execFile);
const writer = fileURLToPath(new URL("./store/writer.mjs", import.meta.url));
const ms = Number(process.env.BENCH_MS ?? 10_000);
const { file, out } = await bundleStore();

async function measure(name, processes) {
  const database = join(out, `${name}.db`);
  const startAt = Date.now() + 1_500;
  const answers = await Promise.all(
    Array.from({ length: processes }, () => run(process.execPath, [writer, file, database, startAt, ms])),
  );
  const writers = answers.map(({ stdout }) => JSON.parse(stdout));
  const counts = writers.map((w) => w.writes);
  return {
    processes,
    writesPerSecond: Math.round((counts.reduce((a, b) => a + b, 0) / ms) * 1_000),
    shares: counts,
    largestToSmallest: Math.max(...counts) / Math.min(...counts),
    worstWaitMs: Math.max(...writers.map((w) => w.worst)),
    p99Ms: Math.max(...writers.map((w) => w.p99)),
  };
}

const results = [await measure("one", 1), await measure("two", 2), await measure("four", 4), await measure("eight", 8)];
const alone = results[0].writesPerSecond;
for (const r of results) r.ofOneWriter = r.writesPerSecond / alone;
console.table(
  results.map((r) => ({
    processes: r.processes,
    "writes/s": r.writesPerSecond,
    "of one writer": r.ofOneWriter.toFixed(2),
    "largest / smallest share": r.largestToSmallest.toFixed(2),
    "worst wait ms": r.worstWaitMs.toFixed(1),
    "p99 ms": r.p99Ms.toFixed(1),
  })),
);
mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
const result = { bench: "store-fairness", at: new Date().toISOString(), node: process.version, ms, results };
writeFileSync(new URL("./results/store-fairness.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
rmSync(out, { recursive: true });
