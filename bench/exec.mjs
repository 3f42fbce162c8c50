/**
 * What Waybill adds to a command that does nothing: `waybill exec -- true` against `sh -c true` and a Node.js that does
 * nothing, and where the time goes, step by step, in a process that is already open.
 */
import { interleaved, median, record, timed } from "./cli/interleaved.mjs";
import { cli, dir, dist, env, run } from "./cli/workshop.mjs";

const rounds = Number(process.env.BENCH_ROUNDS ?? 21);
const { open } = await import(`${dist}index.js`);

const marks = [];
const onStep = (step) => marks.push({ step, at: performance.now() });
const waybill = await open({ environment: env, cwd: dir, onStep });
const call = () => waybill.call("runs.exec", { argv: ["true"] });

/** Milliseconds from each step to the next, of one command in an open process. */
async function steps() {
  marks.length = 0;
  marks.push({ step: "called", at: performance.now() });
  await call();
  marks.push({ step: "answered", at: performance.now() });
  return marks.slice(1).map(({ step, at }, i) => ({ step, ms: at - marks[i].at }));
}

const node = (...args) => timed(() => run(process.execPath, args));
const { steps: split, ...totals } = await interleaved(
  {
    "sh -c true": () => timed(() => run("sh", ["-c", "true"])),
    "node -e 0": () => node("-e", "0"),
    "waybill exec -- true": () => node(cli, "exec", "--", "true"),
    "waybill exec --detach -- true": () => node(cli, "exec", "--detach", "--", "true"),
    "in an open process": () => timed(call),
    steps,
  },
  { rounds },
);
await waybill.close();

const base = median(totals["sh -c true"]);
const results = Object.entries(totals).map(([name, values]) => ({
  name,
  ms: median(values),
  addedMs: median(values) - base,
}));
const names = [...new Set(split.flatMap((once) => once.map(({ step }) => step)))];
const bySteps = names.map((step) => ({
  step,
  ms: median(split.map((once) => once.find((s) => s.step === step)?.ms ?? 0)),
}));
console.table(results.map((r) => ({ name: r.name, ms: r.ms.toFixed(1), "added ms": r.addedMs.toFixed(1) })));
console.table(bySteps.map(({ step, ms }) => ({ "until step": step, ms: ms.toFixed(1) })));
record("exec", { rounds, results, steps: bySteps });
