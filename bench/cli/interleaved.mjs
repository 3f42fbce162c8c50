/** Compares ways of doing something in one run: A B A B, so that whatever else the machine does falls on both; medians. */

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * @param cases functions by name, each of which does the thing once and answers with what it measured
 * @returns all that was measured, by name
 */
export async function interleaved(cases, { rounds, warmUp = 1 }) {
  const measured = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(cases)) {
      const value = await measure();
      if (round >= 0) measured[name].push(value);
    }
  }
  return measured;
}

/** Milliseconds that `work` takes. */
export async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Writes `bench/results/NAME.json` with the date and what the machine is. */
export function record(name, result) {
  const { length, 0: cpu } = cpus();
  const machine = { cpu: cpu?.model ?? "unknown", cpus: length, memory_bytes: totalmem(), load_1m: loadavg()[0] };
  const facts = {
    bench: name,
    at: new Date().toISOString(),
    node: process.version,
    platform: process.platform,
    machine,
  };
  const results = new URL("../results/", import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify({ ...facts, ...result }, null, 2)}\n`);
}
