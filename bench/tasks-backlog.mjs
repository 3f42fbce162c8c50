/** What submissions and executions cost while 10³, 10⁵ and 10⁶ tasks wait already; wanted: the same. `BENCH_BACKLOG` says how many at most. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, record } from "./cli/interleaved.mjs";
import { fsyncTime } from "./tasks/disk.mjs";
import { measure } from "./tasks/plan.mjs";

const LEVELS = [1_000, 100_000, 1_000_000];
const most = Number(process.env.BENCH_BACKLOG ?? LEVELS.at(-1));
const levels = LEVELS.filter((level) => level <= most);
const settings = { repeats: 5, jobs: 3_000, concurrency: 100 };

const dir = mkdtempSync(join(tmpdir(), "waybill-bench-"));
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const fsyncMs = fsyncTime(dir);
const place = { module: "waybill", dir, name: "backlog", place: {}, capMs: 60_000 };
const answer = await measure({ ...place, ...settings, levels, what: "backlog" });
if (answer.failed) throw new Error(`The backlog was not measured: ${answer.failed}`);

const micros = ({ perSecond }) => 1e6 / perSecond;
const figures = answer.levels.map(({ waiting, repeats }) => {
  const of = (figure) => Math.round(median(repeats.map(figure)));
  return {
    waiting,
    submitMicros: of(({ submit }) => micros(submit)),
    submitCpuMicros: of(({ submit }) => submit.cpuMicros),
    executeMicros: of(({ drain }) => micros(drain)),
    executeCpuMicros: of(({ drain }) => drain.cpuMicros),
  };
});
console.table(figures);
record("tasks-backlog", { ...settings, fsyncMs, results: figures });
