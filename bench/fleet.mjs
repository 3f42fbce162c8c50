/**
 * Machines over ssh, against `rsync -az -e ssh`, `scp -r` and plain `ssh` with a shared connection, on a real server on
 * loopback: uploads, an unchanged directory, artifacts, how late a log's line comes, `true` from start to finish, and a
 * hundred machines asked side by side. All milliseconds are medians of interleaved rounds.
 */
import { median, record } from "./cli/interleaved.mjs";
import { logLatency, manyMachines, runOf, startToFinish } from "./fleet/runs.mjs";
import { closeSite } from "./fleet/site.mjs";
import { fetchArtifacts, largeFile, smallFiles, unchanged, upload } from "./fleet/transfers.mjs";

const rounds = Number(process.env.BENCH_ROUNDS ?? 7);
const few = Math.ceil(rounds / 2);

const results = [];
/** Keeps the medians of one comparison, each as a ratio of the case named `base`. */
function keep(what, base, measured) {
  const of = median(measured[base]);
  const rows = Object.entries(measured).map(([name, values]) => {
    const ms = median(values);
    return { what, name, ms, least: Math.min(...values), ratio: ms / of, base };
  });
  results.push(...rows);
  console.table(rows.map((r) => ({ what, name: r.name, ms: r.ms.toFixed(1), [`of ${base}`]: r.ratio.toFixed(2) })));
}

let split = [];
try {
  const small = smallFiles();
  keep("1,000 files of 4 KiB", "rsync -az", await upload(small, rounds));
  keep("unchanged", "ssh true over a master", await unchanged(small, rounds * 3));
  keep("200 MB file", "rsync -az", await upload(largeFile(), few));
  keep("100 artifacts", "rsync -az over a master", await fetchArtifacts(rounds, runOf));
  keep("log latency", "ssh over a master", await logLatency(few));
  const { totals, bySteps } = await startToFinish(rounds * 3);
  keep("true", "ssh true over a master", totals);
  split = bySteps;
  console.table(bySteps.map(({ step, ms }) => ({ "until step": step, ms: ms.toFixed(1) })));
  keep("100 machines", "ssh true", await manyMachines(Math.ceil(rounds / 4)));
} finally {
  await closeSite();
}
record("fleet", { rounds, wanted: { small: 1, large: 1.1, unchanged: 1.3 }, results, steps: split });
