/**
 * Cache reads and writes in one process, awaited one at a time, against a bare better-sqlite3 loop that reads and writes the
 * same rows (entry, value, sum of sizes) in one transaction per write, at the same durability. Milliseconds per call.
 */
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { interleaved, median, record, timed } from "./cli/interleaved.mjs";
import { bundleStore } from "./store/bundle.mjs";

const Database = createRequire(import.meta.url)("better-sqlite3");
const { file, out } = await bundleStore();
const { openSqliteStore } = await import(file);
const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = { "100 B": [100, 2_000], "64 KiB": [64 * KIB, 500], "4 MiB": [4 * MIB, 20], "64 MiB": [64 * MIB, 2] };
const ROUNDS = 5;
/** As many keys as are written again and again, so that the file does not grow without end. */
const KEYS = 10;
const maxBytes = 1024 * MIB;

function rawCache(database) {
  const before = database.prepare("SELECT size_bytes FROM cache_entries WHERE key = $key");
  const entry = database.prepare(`
    INSERT INTO cache_entries (key, size_bytes, created_at, used_at) VALUES ($key, $size, $now, $now)
    ON CONFLICT (key) DO UPDATE SET size_bytes = $size, created_at = $now, used_at = $now RETURNING id`);
  const content = database.prepare(`
    INSERT INTO cache_values (entry_id, value) VALUES ($id, $value) ON CONFLICT (entry_id) DO UPDATE SET value = $value`);
  const sum = database.prepare("UPDATE counters SET value = value + $by WHERE name = 'cache_bytes'");
  const write = database.transaction((key, value) => {
    const size = value.length;
    const by = size - (before.get({ key })?.size_bytes ?? 0);
    content.run({ id: entry.get({ key, size, now: Date.now() }).id, value });
    sum.run({ by });
  });
  const read = database.prepare(`
    SELECT cache_entries.*, value FROM cache_entries JOIN cache_values ON entry_id = id WHERE key = $key`);
  return { put: (key, value) => write.immediate(key, value), get: (key) => read.get({ key }).value };
}

const path = (name) => join(out, `${name}.db`);
const ours = await openSqliteStore({ path: path("ours") });
await (await openSqliteStore({ path: path("raw") })).close();
const database = new Database(path("raw"));
database.pragma("synchronous = FULL");
database.pragma("cache_size = -16000");
database.pragma("temp_store = MEMORY");
const raw = rawCache(database);

/** The cases of one size; each call is one of `count` in a row. */
function casesOf(bytes, count) {
  const value = Buffer.alloc(bytes, "waybill ");
  const key = (n) => `${bytes}/${n % KEYS}`;
  const each = async (call) =>
    (await timed(async () => {
      for (let n = 0; n < count; n += 1) await call(key(n));
    })) / count;
  return {
    "raw put": () => each((k) => raw.put(k, value)),
    put: () => each((k) => ours.cache.setCacheValue({ key: k, value, ttlMs: null, maxBytes })),
    "raw get": () => each((k) => raw.get(k)),
    get: () => each((k) => ours.cache.getCacheValue(k)),
  };
}

const results = [];
for (const [size, [bytes, count]] of Object.entries(SIZES)) {
  const measured = await interleaved(casesOf(bytes, count), { rounds: ROUNDS });
  const ms = Object.fromEntries(Object.entries(measured).map(([name, values]) => [name, median(values)]));
  for (const name of ["put", "get"]) {
    results.push({ size, name, ms: ms[name], rawMs: ms[`raw ${name}`], ofRaw: ms[name] / ms[`raw ${name}`] });
  }
}
await ours.close();
database.close();
rmSync(out, { recursive: true });

const shown = (number) => number.toFixed(number < 1 ? 4 : 2);
console.table(results.map((r) => ({ ...r, ms: shown(r.ms), rawMs: shown(r.rawMs), ofRaw: r.ofRaw.toFixed(2) })));
record("cache", { rounds: ROUNDS, results });
