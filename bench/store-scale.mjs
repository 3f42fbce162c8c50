/** What an operation costs at 10^3, 10^5 and 10^6 runs. Wanted: flat. `BENCH_ROWS=1000,100000` shortens it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bundleStore } from "./store/bundle.mjs";

const Database = createRequire(import.meta.url)("better-sqlite3");
const { file, out } = await bundleStore();
const { openSqliteStore, given } = await import(file);
const sizes = (process.env.BENCH_ROWS ?? "1000,100000,1000000").split(",").map(Number);
const ROUNDS = 5;
const TIMES = 100;

/** Ended runs of 50 refs on 20 machines, a tenth of them in batches of ten; inserted in bulk, since filling is not measured. */
function fill(path, rows) {
  const database = new Database(path);
  database.pragma("synchronous = OFF");
  database.exec(
    `
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${rows})
    INSERT INTO runs (id, kind, ref, machine, test_dir, test_dir_hash, work_hash, request, created_by, detached, labels,
      status, attempt, fence, created_at, started_at, ended_at, exit_code, artifact_state)
    SELECT printf('01890000-0000-7000-8000-%012d', i), 'directory', 'ref-' || (i % 50), 'm-' || (i % 20), '/d',
      't-' || (i % 500), 'w-' || i, $request, 'u', 0, '{}', 'completed', 1, i + 1, i, i, i + 5, 0, 'none' FROM n;`.replace(
      "$request",
      `'${JSON.stringify(given.request())}'`,
    ),
  );
  database.exec("INSERT INTO events (at, type, subject, data) SELECT created_at, 'run.created', id, '{}' FROM runs");
  database.close();
}

async function open(rows) {
  const path = join(out, `${rows}.db`);
  await (await openSqliteStore({ path })).close();
  fill(path, rows);
  const store = await openSqliteStore({ path });
  const items = Array.from({ length: 40 }, (_, n) => given.item({ name: `entry-${n}` }));
  const { batch } = await store.batches.createBatch(given.batch({ items }));
  return { store, batch, rows };
}

const idOf = (n) => `01890000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const operations = {
  getRun: ({ store, rows }, n) => store.runs.getRun(idOf((n * 7919) % rows)),
  "listRuns, first page of 50": ({ store }) => store.runs.listRuns({}, { limit: 50 }),
  "listRuns by ref, page of 10 from the middle": ({ store, rows }) =>
    store.runs.listRuns({ ref: "ref-7" }, { limit: 10, before: idOf(Math.floor(rows / 2)) }),
  "listRuns of active runs": ({ store }) => store.runs.listRuns({ statuses: ["pending", "running"] }, { limit: 50 }),
  recentDurations: ({ store }) => store.runs.recentDurations("ref-7", 20),
  prepareAtomic: ({ store }) => {
    const id = given.id();
    return store.runs.prepareAtomic(given.dispatch({ machine: id, workHash: id }), () => given.run({ id }));
  },
  "mergeItems, 40 items": ({ store, batch }) => store.batches.mergeItems(batch.id, batch.items),
};

const stores = [];
for (const rows of sizes) stores.push(await open(rows));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const micros = Object.fromEntries(Object.keys(operations).map((name) => [name, sizes.map(() => [])]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, operation] of Object.entries(operations)) {
    for (const [at, store] of stores.entries()) {
      for (let n = 0; n < TIMES; n += 1) {
        const started = performance.now();
        await operation(store, round * TIMES + n);
        micros[name][at].push((performance.now() - started) * 1_000);
      }
    }
  }
}
const results = Object.entries(micros).map(([operation, bySize]) => {
  const medians = bySize.map(median);
  const cost = Object.fromEntries(sizes.map((rows, at) => [`${rows} rows, µs`, Math.round(medians[at])]));
  return { operation, ...cost, growth: Number((medians.at(-1) / medians[0]).toFixed(2)) };
});
console.table(results);
for (const { store } of stores) await store.close();
mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
const result = { bench: "store-scale", at: new Date().toISOString(), node: process.version, ROUNDS, TIMES, results };
writeFileSync(new URL("./results/store-scale.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
rmSync(out, { recursive: true });
