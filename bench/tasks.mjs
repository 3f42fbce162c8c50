/**
 * The task engine beside its peers and beside a bare loop of the same row changes, in one run: submissions, drains, idle
 * latency and memory, no-op jobs of 100 bytes, everything at full durability with events on. Medians of interleaved rounds.
 *
 * `BENCH_JOBS` (100,000), `BENCH_ROUNDS` (5) and `BENCH_CAP_MS` (20,000: a measurement ends after it, with what it has
 * done) make it shorter. TMPDIR says on which disk; on one in memory, which no other program slows, results have their own name.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { record } from "./cli/interleaved.mjs";
import { fsyncTime, isInMemory } from "./tasks/disk.mjs";
import { measurementsOf } from "./tasks/plan.mjs";
import { summary, verdicts } from "./tasks/summary.mjs";
import { installPeers, missingFor, peerVersions, SYSTEMS, startServers } from "./tasks/systems.mjs";

const jobs = Number(process.env.BENCH_JOBS ?? 100_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const capMs = Number(process.env.BENCH_CAP_MS ?? 20_000);
const settings = { jobs, few: Math.min(jobs, 5_000), samples: 300, capMs };

const root = mkdtempSync(join(tmpdir(), "waybill-bench-"));
// PostgreSQL runs as another user, and has to get to its directory.
chmodSync(root, 0o711);
process.once("exit", () => rmSync(root, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const bench = isInMemory(root) ? "tasks-in-memory" : "tasks";
const fsyncMs = fsyncTime(root);
const notInstalled = installPeers();
const peers = peerVersions();
const { started, stop } = await startServers(root);
const missing = {};
const plans = {};
for (const [name, system] of Object.entries(SYSTEMS)) {
  const why = missingFor(system, started, notInstalled);
  if (why === null) plans[name] = measurementsOf(root, system, started[system.server], settings);
  else missing[name] = why;
}
for (const [name, why] of Object.entries(missing)) console.log(`${name} is not measured: ${why}`);

const measured = Object.fromEntries(Object.keys(plans).map((name) => [name, {}]));
const names = [...new Set(Object.values(plans).flatMap((plan) => Object.keys(plan)))];

/** Everything of every system once, in turn. */
async function round() {
  for (const what of names) {
    for (const [system, plan] of Object.entries(plans)) {
      for (const [name, figures] of Object.entries((await plan[what]?.()) ?? {})) {
        measured[system][name] ??= [];
        measured[system][name].push(figures);
      }
    }
  }
}

try {
  for (let done = 1; done <= rounds; done += 1) {
    await round();
    const results = summary(measured);
    // After each round: a run that is ended early keeps what it saw.
    const verdict = verdicts(results);
    record(bench, { ...settings, fsyncMs, rounds: done, peers, missing, verdicts: verdict, results });
    console.log(`round ${done} of ${rounds}`);
  }
  const results = summary(measured);
  for (const [what, rows] of Object.entries(results)) {
    console.log(`\n${what}`);
    console.table(rows);
  }
  console.table(verdicts(results));
} finally {
  await stop();
}
