/**
 * What a task adds to a command that does nothing: `true` through `waybill work --drain`, against `xargs -P` and GNU
 * parallel on as many of the same command, at 1, 2 and 8 at once; where the time of a task goes; and how long `tasks
 * claim` takes from a cold start, against `node -e 0`. Wanted of the last: at most twice as long.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { interleaved, median, record, timed } from "./cli/interleaved.mjs";
import { cli, dist, env, run, start } from "./cli/workshop.mjs";

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const count = Number(process.env.BENCH_TASKS ?? 300);
const AT_ONCE = [1, 2, 8];

const { defineTask, openEngine } = await import(`${dist}index.js`);
const anything = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } };
const engine = await openEngine({ store: `file:${env.WAYBILL_HOME}/waybill.db`, tasks: [] });
const submit = (type, howMany) =>
  engine.tasks.submitMany(
    defineTask({ type, params: anything, run: () => null }),
    Array.from({ length: howMany }, (_, params) => ({ params })),
  );

const hasParallel = spawnSync("parallel", ["--version"]).status === 0;
if (!hasParallel) console.log("GNU parallel is not here (apt-get install parallel): it is left out.");

const CONTESTANTS = {
  xargs: (atOnce) => ["xargs", ["-P", String(atOnce), "-n", "1", "true"]],
  ...(hasParallel && { parallel: (atOnce) => ["parallel", ["--will-cite", "-j", String(atOnce), "true"]] }),
};

/** Milliseconds for each of `count` numbers that are read from stdin. */
async function fed(program, args) {
  const ms = await timed(async () => {
    const { child, ended } = start(program, args, ["pipe", "ignore", "ignore"]);
    child.stdin.end(Array.from({ length: count }, (_, n) => `${n}\n`).join(""));
    await ended;
  });
  return ms / count;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Milliseconds for each of `count` tasks between the first claim and the last end, and where they go: until the command
 * begins (its files, its process), until it has ended, until that is recorded, and the rest, most of it claims.
 */
async function worked(atOnce) {
  const tasks = await submit("true", count);
  const args = [cli, "work", "--types", "true", "--drain", "--json", "--concurrency", String(atOnce), "--", "true"];
  const { child, ended } = start(process.execPath, args, ["ignore", "ignore", "pipe"]);
  const told = new Map();
  createInterface({ input: child.stderr }).on("line", (line) => {
    const { event, id, at } = JSON.parse(line);
    if (id !== undefined) told.set(`${event} ${id}`, Date.parse(at));
  });
  await Promise.all([ended, once(child.stderr, "close")]);
  const attempts = await Promise.all(
    tasks.map(async ({ id }) => {
      const [{ startedAt, endedAt }] = await engine.tasks.attempts(id);
      return { startedAt, began: told.get(`work.began ${id}`), over: told.get(`work.ended ${id}`), endedAt };
    }),
  );
  const span = Math.max(...attempts.map((a) => a.endedAt)) - Math.min(...attempts.map((a) => a.startedAt));
  const spawn = mean(attempts.map((a) => a.began - a.startedAt));
  const running = mean(attempts.map((a) => a.over - a.began));
  const result = mean(attempts.map((a) => a.endedAt - a.over));
  const ms = span / count;
  return { ms, claim: Math.max(0, ms * atOnce - spawn - running - result), spawn, running, result };
}

const cases = Object.fromEntries(
  AT_ONCE.flatMap((atOnce) => [
    ...Object.entries(CONTESTANTS).map(([name, command]) => [`${name} at ${atOnce}`, () => fed(...command(atOnce))]),
    [`waybill work at ${atOnce}`, () => worked(atOnce)],
  ]),
);
const measured = await interleaved(cases, { rounds });
const msOf = (value) => (typeof value === "number" ? value : value.ms);
const results = Object.entries(measured).map(([name, values]) => ({
  name,
  msPerTask: median(values.map(msOf)),
  fastestMs: Math.min(...values.map(msOf)),
  addedMs: median(values.map(msOf)) - median(measured[`xargs at ${name.split(" ").at(-1)}`]),
}));
const split = AT_ONCE.map((atOnce) => {
  const values = measured[`waybill work at ${atOnce}`];
  const of = (part) => median(values.map((value) => value[part]));
  return { atOnce, claimMs: of("claim"), spawnMs: of("spawn"), runMs: of("running"), resultMs: of("result") };
});

await submit("claimed", 2 * (rounds + 1));
const claims = await interleaved(
  {
    "node -e 0": () => timed(() => run(process.execPath, ["-e", "0"])),
    "waybill tasks claim": () => timed(() => run(process.execPath, [cli, "tasks", "claim", "--type", "claimed"])),
  },
  { rounds: 2 * rounds },
);
await engine.close();
const base = median(claims["node -e 0"]);
const coldStart = Object.entries(claims).map(([name, values]) => ({
  name,
  ms: median(values),
  ofNode: median(values) / base,
}));

const fixed = (row) =>
  Object.fromEntries(
    Object.entries(row).map(([k, v]) => [k, typeof v === "number" && !Number.isInteger(v) ? v.toFixed(2) : v]),
  );
console.table(results.map(fixed));
console.table(split.map(fixed));
console.table(coldStart.map(fixed));
const skipped = hasParallel ? [] : ["GNU parallel is not installed"];
record("work", { rounds, count, wanted: { claimOfNode: 2 }, skipped, results, split, coldStart });
