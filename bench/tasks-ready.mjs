/**
 * What it costs to see and to claim what is ready while 10³, 10⁴ and 10⁵ tasks are, each after a dependency that has ended,
 * and as many wait for one of those. Wanted: flat. `BENCH_ROWS=1000,10000` shortens it.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { median, record } from "./cli/interleaved.mjs";
import { bundleStore } from "./store/bundle.mjs";
import { fsyncTime } from "./tasks/disk.mjs";

const Database = createRequire(import.meta.url)("better-sqlite3");
const { file, out } = await bundleStore();
process.once("exit", () => rmSync(out, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const { openSqliteStore, given } = await import(file);
const sizes = (process.env.BENCH_ROWS ?? "1000,10000,100000").split(",").map(Number);
const [ROUNDS, TIMES, TYPES, RARE] = [5, 40, 20, 400];

/** As many that have ended as are ready as wait, of twenty types; inserted in bulk, since filling is not measured. */
function fill(path, rows) {
  const database = new Database(path);
  database.pragma("synchronous = OFF");
  const state = `CASE WHEN i <= ${rows} THEN 'completed' ELSE 'queued' END`;
  const gate = `CASE WHEN i <= 2 * ${rows} THEN 'open' ELSE 'dependencies' END`;
  database.exec(`
    BEGIN;
    CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3 * ${rows}) SELECT i FROM n;
    INSERT INTO tasks (seq, id, type, state, gate, priority, attempt, submitted_at, ended_at, tags, params)
      SELECT i, printf('01890000-0000-7000-8000-%012d', i), 't-' || (i % ${TYPES}), ${state}, ${gate}, i % 3, i <= ${rows}, i,
        CASE WHEN i <= ${rows} THEN i END, '["half"]', '{}' FROM n;
    INSERT INTO task_dependencies (seq, on_id, outcome, resolved)
      SELECT i, printf('01890000-0000-7000-8000-%012d', i - ${rows}), 'completed', i <= 2 * ${rows} FROM n WHERE i > ${rows};
    INSERT INTO task_tags (tag, seq) SELECT 'half', i FROM n WHERE i > ${rows} AND i % 2 = 0;
    INSERT INTO task_tags (tag, seq) SELECT 'rare', i FROM n WHERE i > ${rows} AND i <= 2 * ${rows}
      ORDER BY i DESC LIMIT ${RARE};
    COMMIT;`);
  database.close();
}

async function open(rows) {
  const path = join(out, `${rows}.db`);
  await (await openSqliteStore({ path })).close();
  fill(path, rows);
  return { store: await openSqliteStore({ path }), rows };
}

const worker = () => {
  const who = { agentId: "bench", session: "s", kind: "claim", types: [], workspace: null };
  return { ...who, name: `worker/${randomUUID()}`, holder: given.process({ pid: process.pid }), ttlMs: 60_000 };
};
const claimNext = async ({ store }, which) => {
  const answer = await store.workers.claimForWorker({ worker: worker(), ...which });
  if (!answer.granted) throw answer.error;
  return answer.value.task;
};
const operations = {
  "claim the next of all types": (at) => claimNext(at, {}),
  "claim the next of a type": (at, n) => claimNext(at, { types: [`t-${n % TYPES}`] }),
  "claim the next with a tag of every other": (at) => claimNext(at, { tags: ["half"] }),
  "claim the next with a rare tag": (at) => claimNext(at, { tags: ["rare"] }),
  "listReady, 20 of all types": ({ store }) => store.tasks.listReady({ limit: 20 }).then(() => undefined),
  "listReady, 20 of a type": ({ store }) => store.tasks.listReady({ types: ["t-1"], limit: 20 }).then(() => undefined),
};

/** The end of what was claimed lets one through that waited: there are as many ready as before. */
const end = ({ store }, { id: taskId, sequence, attempt, fence }) =>
  store.attempts.endAttempts([
    { guard: { taskId, sequence, attempt, fence }, end: { state: "succeeded", result: null } },
  ]);

const stores = [];
for (const rows of sizes) stores.push(await open(rows));
const fsyncMs = fsyncTime(out);
const measured = Object.fromEntries(Object.keys(operations).map((name) => [name, sizes.map(() => [])]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, operation] of Object.entries(operations)) {
    for (const [at, place] of stores.entries()) {
      for (let n = 0; n < TIMES; n += 1) {
        const cpu = process.cpuUsage();
        const started = performance.now();
        const task = await operation(place, n);
        const micros = (performance.now() - started) * 1_000;
        const { user, system } = process.cpuUsage(cpu);
        measured[name][at].push({ micros, cpuMicros: user + system });
        if (task !== undefined) await end(place, task);
      }
    }
  }
}
const results = Object.entries(measured).map(([operation, bySize]) => {
  const of = (figure) => bySize.map((values) => Math.round(median(values.map((value) => value[figure]))));
  const [wall, cpu] = [of("micros"), of("cpuMicros")];
  const cost = sizes.map((ready, at) => ({ ready, micros: wall[at], cpuMicros: cpu[at] }));
  return { operation, cost, growth: Number((cpu.at(-1) / cpu[0]).toFixed(2)) };
});
console.table(
  results.map(({ operation, cost, growth }) => ({
    operation,
    ...Object.fromEntries(
      cost.map(({ ready, micros, cpuMicros }) => [`${ready}: µs (CPU)`, `${micros} (${cpuMicros})`]),
    ),
    growth,
  })),
);
for (const { store } of stores) await store.close();
record("tasks-ready", { rounds: ROUNDS, times: TIMES, fsyncMs, results });
