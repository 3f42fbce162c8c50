/** How long `waybill runs show ID` takes, against `node -e 0`, which loads nothing. Wanted: at most twice as long. */
import { interleaved, median, record, timed } from "./cli/interleaved.mjs";
import { cli, dist, env, run, work } from "./cli/workshop.mjs";

const { open } = await import(`${dist}index.js`);
const waybill = await open({ environment: env });
const { run: made } = await waybill.call("runs.submit", { dir: work("true", "exit 0") });
await waybill.close();

const rounds = Number(process.env.BENCH_ROUNDS ?? 31);
const measured = await interleaved(
  {
    "node -e 0": () => timed(() => run(process.execPath, ["-e", "0"])),
    "waybill runs show ID": () => timed(() => run(process.execPath, [cli, "runs", "show", made.id])),
    "waybill --version": () => timed(() => run(process.execPath, [cli, "--version"])),
  },
  { rounds },
);
const base = median(measured["node -e 0"]);
const results = Object.entries(measured).map(([name, values]) => ({
  name,
  ms: median(values),
  fastestMs: Math.min(...values),
  ofNode: median(values) / base,
}));
console.table(results.map((r) => ({ name: r.name, ms: r.ms.toFixed(1), "x node -e 0": r.ofNode.toFixed(2) })));
record("cold-start", { rounds, wanted: { ofNode: 2 }, results });
