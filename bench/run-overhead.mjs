/**
 * What Waybill adds to a script that does nothing: `waybill run DIR` against `sh run.sh`, and where the time goes, step by
 * step, in a process that is already open.
 */
import { interleaved, median, record, timed } from "./cli/interleaved.mjs";
import { cli, dist, env, run, work } from "./cli/workshop.mjs";

const dir = work("true", "exit 0");
const rounds = Number(process.env.BENCH_ROUNDS ?? 21);
const { open } = await import(`${dist}index.js`);

/** Milliseconds from each step to the next, of one run in an open process. */
async function steps(waybill, marks) {
  marks.length = 0;
  marks.push({ step: "submitted", at: performance.now() });
  await waybill.call("runs.submit", { dir, machine: "local", new: true });
  marks.push({ step: "answered", at: performance.now() });
  return marks.slice(1).map(({ step, at }, i) => ({ step, ms: at - marks[i].at }));
}

const marks = [];
const onStep = (step) => marks.push({ step, at: performance.now() });
const waybill = await open({ environment: env, onStep });
const measured = await interleaved(
  {
    "sh run.sh": () => timed(() => run("sh", [`${dir}/run.sh`])),
    "waybill run": () => timed(() => run(process.execPath, [cli, "run", dir, "--machine", "local"])),
    "in an open process": () => timed(() => waybill.call("runs.submit", { dir, machine: "local", new: true })),
    "node -e 0": () => timed(() => run(process.execPath, ["-e", "0"])),
    steps: () => steps(waybill, marks),
  },
  { rounds },
);
await waybill.close();

const { steps: split, ...totals } = measured;
const base = median(totals["sh run.sh"]);
const results = Object.entries(totals).map(([name, values]) => ({
  name,
  ms: median(values),
  addedMs: median(values) - base,
  ofScript: median(values) / base,
}));
const bySteps = (split[0] ?? []).map(({ step }) => ({
  step,
  ms: median(split.map((once) => once.find((s) => s.step === step)?.ms ?? 0)),
}));
console.table(results.map((r) => ({ name: r.name, ms: r.ms.toFixed(1), "added ms": r.addedMs.toFixed(1) })));
console.table(bySteps.map(({ step, ms }) => ({ "until step": step, ms: ms.toFixed(1) })));
record("run-overhead", { rounds, results, steps: bySteps });
