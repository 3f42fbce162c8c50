/**
 * Durable writes per second in one process: awaited one at a time, and a thousand at once, against a bare better-sqlite3
 * loop that changes the same rows (run, event, counter; all indexes) in one transaction per write, at the same durability.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bundleStore } from "./store/bundle.mjs";

const Database = createRequire(import.meta.url)("better-sqlite3");
const { file, out } = await bundleStore();
const { openSqliteStore, given } = await import(file);
const WRITES = 4_000;
const ROUNDS = 5;
let count = 0;
const fresh = () => join(out, `${++count}.db`);

const prepare = (store) => {
  const id = given.id();
  return store.runs.prepareAtomic(given.dispatch({ machine: id, workHash: id }), () => given.run({ id }));
};

const perSecond = async (work) => {
  const started = performance.now();
  await work();
  return WRITES / ((performance.now() - started) / 1_000);
};

async function withStore(work) {
  const store = await openSqliteStore({ path: fresh() });
  const rate = await perSecond(() => work(store));
  await store.close();
  return rate;
}

/** The rows that one `prepareAtomic` writes, without deciding anything. */
async function raw() {
  const path = fresh();
  await (await openSqliteStore({ path })).close();
  const database = new Database(path);
  database.pragma("synchronous = FULL");
  const fence = database.prepare("UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value");
  const run = database.prepare(`
    INSERT INTO runs (id, kind, ref, machine, test_dir, test_dir_hash, work_hash, request, created_by, detached, labels,
      status, slot, attempt, fence, created_at, artifact_state)
    VALUES ($id, 'directory', 'unit', $id, '/tests/unit', 'tree-1', $id, $request, 'tester', 0, '{}',
      'pending', 1, 1, $fence, $at, 'none')`);
  const event = database.prepare(
    'INSERT INTO events (at, type, subject, data) VALUES ($at, \'run.created\', $id, \'{"machine":"left","slot":1}\')',
  );
  const write = database.transaction((id) => {
    const at = Date.now();
    run.run({ id, at, fence: fence.get().value, request: JSON.stringify(given.request()) });
    event.run({ id, at });
  });
  const rate = await perSecond(() => {
    for (let n = 0; n < WRITES; n += 1) write.immediate(given.id());
  });
  database.close();
  return rate;
}

const cases = {
  "raw loop, one transaction per write": raw,
  "awaited one at a time": () =>
    withStore(async (store) => {
      for (let n = 0; n < WRITES; n += 1) await prepare(store);
    }),
  "1,000 concurrent": () =>
    withStore(async (store) => {
      for (let n = 0; n < WRITES; n += 1_000) await Promise.all(Array.from({ length: 1_000 }, () => prepare(store)));
    }),
};

const rates = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, measure] of Object.entries(cases)) rates[name].push(await measure());
}
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const base = median(rates["raw loop, one transaction per write"]);
const results = Object.entries(rates).map(([name, values]) => ({
  name,
  writesPerSecond: Math.round(median(values)),
  ofRaw: median(values) / base,
}));
console.table(results.map((r) => ({ ...r, ofRaw: r.ofRaw.toFixed(2) })));
mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
const result = { bench: "store-commits", at: new Date().toISOString(), node: process.version, WRITES, ROUNDS, results };
writeFileSync(new URL("./results/store-commits.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
rmSync(out, { recursive: true });
