/** What is measured of each system in a round, each measurement in a fresh process and place. */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./measure.mjs", import.meta.url));
/** A measurement that is not over by then never will be. */
const GIVE_UP_MS = 600_000;
export const CONCURRENCIES = [1, 10, 100];

let places = 0;

/** Runs one measurement. @returns its figures, or `{ failed }` with why */
export function measure(wanted) {
  const child = spawn(process.execPath, [program, JSON.stringify(wanted)], { timeout: GIVE_UP_MS });
  let out = "";
  let err = "";
  child.stdout.on("data", (piece) => {
    out += piece;
  });
  child.stderr.on("data", (piece) => {
    err += piece;
  });
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      const failed = /^\S*error: .*$/im.exec(err)?.[0] ?? `ended by ${signal ?? code}`;
      resolve(code === 0 ? JSON.parse(out) : { failed });
    });
  });
}

/** Makes a place that nothing was ever in, lets `work` use it, and removes what is left. */
async function inFreshPlace(root, system, server, work) {
  places += 1;
  const dir = join(root, `place-${places}`);
  mkdirSync(dir);
  const { module, place } = system;
  try {
    return await work({ module, dir, name: `bench-${places}`, place: { ...server?.place, ...place } });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @returns the measurements of a system by name; each runs once and answers with figures by name. */
export function measurementsOf(root, system, server, { jobs, few, samples, capMs }) {
  const fresh = (work) => inFreshPlace(root, system, server, work);
  const once = (what, count) => async () => ({
    [what]: await fresh((place) => measure({ ...place, what, jobs: count, capMs })),
  });
  const drain = (concurrency) => () =>
    fresh(async (place) => {
      const submitMany = await measure({ ...place, what: "submitMany", jobs, capMs });
      if (submitMany.failed) return { submitMany };
      const drained = await measure({ ...place, what: "drain", jobs, concurrency, capMs });
      return { submitMany, [`drain at ${concurrency}`]: drained };
    });
  const all = { submitOneByOne: once("submitOneByOne", few), submitTogether: once("submitTogether", jobs) };
  for (const concurrency of CONCURRENCIES) all[`drain at ${concurrency}`] = drain(concurrency);
  // The raw loop has no handlers that anything could wake.
  if (system.module !== "raw-loop") all.idleLatency = once("idleLatency", samples);
  return all;
}
