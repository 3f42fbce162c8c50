/**
 * What a claim and an end cost while 10², 10³ and 10⁴ tasks wait for paths, which are laid out in five ways. Wanted: flat.
 * `BENCH_ROWS=100,1000` shortens it.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import { median, record } from "./cli/interleaved.mjs";
import { bundleStore } from "./store/bundle.mjs";
import { fsyncTime } from "./tasks/disk.mjs";

const { file, out } = await bundleStore();
process.once("exit", () => rmSync(out, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const { openSqliteStore, given } = await import(file);
const sizes = (process.env.BENCH_ROWS ?? "100,1000,10000").split(",").map(Number);
const [ROUNDS, TIMES, CHUNK] = [4, 5, 500];

const write = (pattern) => ({ mode: "write", space: "", pattern });
const read = (pattern) => ({ mode: "read", space: "", pattern });
const OVER_EACH_OTHER = [
  (n) => [write(`src/m-${n % 10}/**`)],
  () => [write("src/**")],
  (n) => [write(`src/m-${n % 10}/*.ts`)],
  () => [write("src/**/index.ts")],
  (n) => [write(`src/m-${n % 10}/f-${n}.ts`)],
];
const MIXED = [
  (n) => [read("src/**"), write(`docs/d-${n % 50}.md`)],
  (n) => [write(`src/m-${n % 100}/**`)],
  (n) => [read(`src/m-${n % 100}/a.ts`), write(`test/t-${n}.ts`)],
  () => [read("docs/**")],
];
/** The paths of the `n`th task, and how many of `rows` begin at once, so that the others wait. */
const layouts = {
  "each another file": { paths: (n, rows) => [write(`src/m-${n % rows}/f-${n % rows}.ts`)], begin: (rows) => rows },
  "all one file": { paths: () => [write("src/a.ts")], begin: () => 1 },
  "directories over each other": { paths: (n) => OVER_EACH_OTHER[n % OVER_EACH_OTHER.length](n), begin: () => 1 },
  "readers and writers": { paths: (n) => MIXED[n % MIXED.length](n), begin: () => 1 },
};
const WIDE = "other files, after one task of all";

const newTask = (paths, priority = 0) => ({
  ...{ id: uuidv7(), ownId: false, type: "t", params: "{}", priority, runAt: null, delayMs: null, deadlineMs: null },
  ...{ maxAttempts: null, timeoutMs: null, concurrencyKey: null, unique: null, dependsOn: [], tags: [], paths },
  ...{ parentId: null, discoveredFrom: null, schedule: null, createdBy: null, trace: null, retryEnded: false },
});

const worker = () => {
  const who = { agentId: "bench", session: "s", kind: "claim", types: [], workspace: null };
  return { ...who, name: `worker/${randomUUID()}`, holder: given.process({ pid: process.pid }), ttlMs: 3_600_000 };
};

/** A store with a line in it, and what runs. */
class Line {
  #submitted = 0;
  #running = [];

  constructor(store, rows, paths) {
    Object.assign(this, { store, rows, paths });
  }

  async submit(count) {
    for (let left = count; left > 0; left -= CHUNK) {
      const tasks = Array.from({ length: Math.min(CHUNK, left) }, (_, n) =>
        newTask(this.paths(this.#submitted + n, this.rows)),
      );
      this.#submitted += tasks.length;
      await this.store.tasks.submitTasks(tasks);
    }
  }

  async fill(begin) {
    const { lease } = await this.store.leases.acquireLease({
      ...{ name: "engine/bench", holder: given.process({ pid: process.pid }), purpose: "engine", ttlMs: 3_600_000 },
    });
    this.owner = lease;
    await this.submit(begin + this.rows);
    this.#running.push(...(await this.claimAll(begin)));
    await this.putInLine();
  }

  /** Until nothing is left that could begin, all that cannot waits. */
  async putInLine() {
    for (let found = null; found === null || found.length > 0; this.#running.push(...found))
      found = await this.claimAll(1);
  }

  async claimAll(begin) {
    const types = [{ type: "t", limit: begin }];
    return (await this.store.attempts.claimTasks({ owner: this.owner, types, begin, ahead: 0 })).tasks;
  }

  /** @returns whether there was one. */
  async claimNext() {
    const answer = await this.store.workers.claimForWorker({ worker: worker() });
    if (answer.granted) this.#running.push(answer.value.task);
    else if (answer.error.code !== "nothing_to_claim") throw answer.error;
    return answer.granted;
  }

  /** Ends what runs longest: whoever waited for it comes next. */
  async endOne() {
    const { id: taskId, sequence, attempt, fence } = this.#running.shift();
    const guard = { taskId, sequence, attempt, fence };
    await this.store.attempts.endAttempts([{ guard, end: { state: "succeeded", result: null } }]);
  }

  async endAll() {
    while (this.#running.length > 0) await this.endOne();
  }

  async hasReady() {
    return (await this.store.tasks.listReady({ limit: 1 })).length > 0;
  }
}

async function open(layout, rows, paths, begin) {
  const line = new Line(await openSqliteStore({ path: join(out, `${layout}-${rows}.db`) }), rows, paths);
  await line.fill(begin);
  return line;
}

const measured = {};
async function measure(layout, operation, at, work) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const done = await work();
  const micros = (performance.now() - started) * 1_000;
  const { user, system } = process.cpuUsage(cpu);
  measured[layout] ??= {};
  measured[layout][operation] ??= sizes.map(() => []);
  measured[layout][operation][at].push({ micros, cpuMicros: user + system });
  return done;
}

/** Some end until one of those that waited begins; another takes its place in the line. */
async function pass(layout, line, at) {
  for (let begun = false; !begun; ) {
    await measure(layout, "end", at, () => line.endOne());
    if (await line.hasReady()) begun = await measure(layout, "claim the next", at, () => line.claimNext());
  }
  await line.putInLine();
  await line.submit(1);
  await measure(layout, "claim what has to wait", at, () => line.claimNext());
}

/** One that writes everything goes first; all others wait for its end. */
async function passWide(line, at) {
  await line.store.tasks.submitTasks([newTask([write("**")], 1)]);
  await line.endAll();
  await line.claimNext();
  await line.putInLine();
  await measure(WIDE, "end", at, () => line.endOne());
  await measure(WIDE, "claim the next", at, () => line.claimNext());
}

const lines = {};
for (const [layout, { paths, begin }] of Object.entries(layouts)) {
  lines[layout] = [];
  for (const rows of sizes) lines[layout].push(await open(layout, rows, paths, begin(rows)));
}
const wide = [];
for (const rows of sizes)
  wide.push(await open("wide", rows, (n) => [write(n === 0 ? "**" : `src/m-${n % 100}/f-${n}.ts`)], 1));
const fsyncMs = fsyncTime(out);
for (let round = 0; round < ROUNDS; round += 1) {
  for (const layout of Object.keys(layouts)) {
    for (const [at, line] of lines[layout].entries()) {
      for (let n = 0; n < TIMES; n += 1) await pass(layout, line, at);
    }
  }
  for (const [at, line] of wide.entries()) await passWide(line, at);
}

const results = Object.entries(measured).flatMap(([layout, operations]) =>
  Object.entries(operations).map(([operation, bySize]) => {
    const of = (figure) => bySize.map((values) => Math.round(median(values.map((value) => value[figure]))));
    const [wall, cpu] = [of("micros"), of("cpuMicros")];
    const cost = sizes.map((waiting, at) => ({ waiting, micros: wall[at], cpuMicros: cpu[at] }));
    return { layout, operation, cost, growth: Number((cpu.at(-1) / cpu[0]).toFixed(2)) };
  }),
);
console.table(
  results.map(({ layout, operation, cost, growth }) => ({
    layout,
    operation,
    ...Object.fromEntries(
      cost.map(({ waiting, micros, cpuMicros }) => [`${waiting}: µs (CPU)`, `${micros} (${cpuMicros})`]),
    ),
    growth,
  })),
);
for (const { store } of [...Object.values(lines).flat(), ...wide]) await store.close();
record("tasks-paths", { rounds: ROUNDS, times: TIMES, fsyncMs, results });
