/**
 * A large log through `waybill run`: megabytes a second against `cat` of the same through a pipe, and the most memory that
 * the process ever had (VmHWM), for 100 MB and for 1 GB. Wanted: memory does not depend on the length of the log.
 */
import { readFileSync } from "node:fs";
import { interleaved, median, record } from "./cli/interleaved.mjs";
import { cli, dir, start, work } from "./cli/workshop.mjs";

const MB = 1_000_000;
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const sizes = { "100 MB": 100 * MB, "1 GB": 1_000 * MB };

/** The most memory that the process has had so far, in KiB; 0 once it is gone. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Reads all that a program writes to stdout, as fast as it comes. */
async function drain(program, args) {
  const started = performance.now();
  const { child, ended } = start(program, args, ["ignore", "pipe", "ignore"]);
  let bytes = 0;
  let peakKib = 0;
  child.stdout.on("data", (chunk) => {
    bytes += chunk.length;
  });
  const watch = setInterval(() => {
    peakKib = Math.max(peakKib, peakOf(child.pid));
  }, 20);
  await ended.finally(() => clearInterval(watch));
  return { bytes, peakKib, mbPerSecond: bytes / MB / ((performance.now() - started) / 1_000) };
}

const results = [];
for (const [size, bytes] of Object.entries(sizes)) {
  const path = work(size.replace(" ", "-"), `yes 'a line of a log as programs write them' | head -c ${bytes}`);
  const home = `${dir}/home`;
  const measured = await interleaved(
    {
      cat: () => drain("sh", ["-c", `"$0/run.sh" > "$0/../log" && cat "$0/../log"`, path]),
      "waybill run": () => drain(process.execPath, [cli, "run", path, "--machine", "local"]),
      "make room": () => drain("sh", ["-c", 'rm -rf "$0"/runs/* "$0/../log"', home]),
    },
    { rounds, warmUp: 0 },
  );
  for (const name of ["cat", "waybill run"]) {
    const all = measured[name];
    if (all.some((one) => one.bytes !== bytes))
      throw new Error(`${name} passed on another number of bytes than ${bytes}.`);
    const mbPerSecond = median(all.map((one) => one.mbPerSecond));
    results.push({ size, name, mbPerSecond, peakKib: Math.max(...all.map((one) => one.peakKib)) });
  }
}
const of = (size, name) => results.find((r) => r.size === size && r.name === name);
const ratios = {
  memoryOf1GbTo100Mb: of("1 GB", "waybill run").peakKib / of("100 MB", "waybill run").peakKib,
  speedToCat: of("1 GB", "waybill run").mbPerSecond / of("1 GB", "cat").mbPerSecond,
};
console.table(results.map((r) => ({ ...r, mbPerSecond: r.mbPerSecond.toFixed(0) })));
console.table([ratios]);
record("log-stream", { rounds, wanted: { memoryOf1GbTo100Mb: 1.2 }, results, ratios });
