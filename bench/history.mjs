/** What questions about the past cost at 10, 10^4 and 10^6 runs and variables. Wanted: flat. `BENCH_ROWS=10,10000` shortens it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "../dist/index.js";

const Database = createRequire(import.meta.url)("better-sqlite3");
const sizes = (process.env.BENCH_ROWS ?? "10,10000,1000000").split(",").map(Number);
const ROUNDS = 5;
const TIMES = 20;
const out = mkdtempSync(join(tmpdir(), "waybill-bench-"));

const target = { name: "m", transport: "local", host: "h", user: null, port: null, os: "linux", tags: [], slots: 1 };
const limits = { timeoutMs: null, silenceMs: null, graceMs: 0, logLimitBytes: null, retries: 0 };
const request = JSON.stringify({
  target: { ...target, workDir: "/", env: {} },
  ...limits,
  entrypoint: "",
  args: [],
  env: {},
});

/** Ended runs of ten refs, a tenth of them failed, a hundredth with a label; inserted in bulk, since filling is not measured. */
function fill(path, rows) {
  const database = new Database(path);
  database.pragma("synchronous = OFF");
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${rows})`;
  database
    .prepare(
      `${numbers} INSERT INTO runs (id, kind, ref, machine, test_dir, test_dir_hash, work_hash, request, created_by,
        detached, labels, status, attempt, fence, created_at, started_at, ended_at, exit_code, artifact_state, log_bytes)
      SELECT printf('01890000-0000-7000-8000-%012d', i), 'directory', 'ref-' || (i % 10), 'm', '/d', 't', 'w-' || i, ?, 'u',
        0, '{}', iif(i % 7 = 0, 'failed', 'completed'), 1, i + 1, i, i, i + 5 + i % 3, iif(i % 7 = 0, 1, 0), 'none', 10
      FROM n`,
    )
    .run(request);
  database.exec(`INSERT INTO run_labels (run_id, key, value) SELECT id, 'branch', 'main' FROM runs WHERE fence % 97 = 0;
    ${numbers} INSERT INTO variables (scope, key, value, format, revision, removed, updated_at)
      SELECT 'root', 'key-' || i, 'v', 'text', i + 1, 0, 0 FROM n;`);
  database.close();
}

async function openAt(rows) {
  const store = `file:${join(out, `${rows}.db`)}`;
  const environment = { WAYBILL_HOME: out };
  const empty = await open({ store, environment });
  await empty.call("store.info", {});
  await empty.close();
  fill(join(out, `${rows}.db`), rows);
  return { waybill: await open({ store, environment }), rows };
}

const operations = {
  "history --limit 10": ({ waybill }) => waybill.call("runs.history", { limit: 10 }),
  "history REF --limit 10": ({ waybill }) => waybill.call("runs.history", { ref: "ref-3", limit: 10 }),
  "history REF --status failed --limit 10": ({ waybill }) =>
    waybill.call("runs.history", { ref: "ref-3", status: ["failed"], limit: 10 }),
  "history REF --label branch=main --limit 10": ({ waybill }) =>
    waybill.call("runs.history", { ref: "ref-3", label: ["branch=main"], limit: 10 }),
  "vars get": ({ waybill, rows }, n) => waybill.call("vars.get", { key: `key-${(n * 7919) % rows}` }),
};

const opened = [];
for (const rows of sizes) opened.push(await openAt(rows));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const micros = Object.fromEntries(Object.keys(operations).map((name) => [name, sizes.map(() => [])]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, operation] of Object.entries(operations)) {
    for (const [at, one] of opened.entries()) {
      for (let n = 0; n < TIMES; n += 1) {
        const started = performance.now();
        await operation(one, round * TIMES + n);
        micros[name][at].push((performance.now() - started) * 1_000);
      }
    }
  }
}
const results = Object.entries(micros).map(([operation, bySize]) => {
  const medians = bySize.map(median);
  const cost = Object.fromEntries(sizes.map((rows, at) => [`${rows} rows, µs`, Math.round(medians[at])]));
  return { operation, ...cost, growth: Number((medians.at(-1) / medians.at(1)).toFixed(2)) };
});
console.table(results);
for (const { waybill } of opened) await waybill.close();
mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
const result = { bench: "history", at: new Date().toISOString(), node: process.version, ROUNDS, TIMES, results };
writeFileSync(new URL("./results/history.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
rmSync(out, { recursive: true });
