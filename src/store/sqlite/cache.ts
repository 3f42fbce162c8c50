/** The cache in SQLite: small rows that tell of each value, and the values apart from them. */
import { type CacheEntry, checkCacheKey, checkCacheSize, TOUCH_EVERY_MS } from "../../domain/cache.js";
import type { CacheAnswer, CachedValue, CachePage, CacheStore, CacheWrite } from "../cache-store.js";
import { addTo, counterValue } from "./counters.js";
import type { SqlRow } from "./driver.js";
import { integer, integerOrNull, text } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";

/** How many entries are looked at together when some have to go. */
const CHUNK = 100;
/** So many expired entries go with every write, so that no write pays for many and they need no sweep of their own. */
const SWEPT = 10;
/** A transaction that clears ends after so many bytes of values, so that writers of other processes do not notice. */
const CLEARED_AT_ONCE = 16 * 1024 * 1024;

const LIVE = "(expires_at IS NULL OR expires_at > $now)";

export const GET_VALUE = `
  SELECT cache_entries.*, value FROM cache_entries JOIN cache_values ON entry_id = id WHERE key = $key AND ${LIVE}`;

const PAGE = "key > $after AND key >= $prefix AND key < $prefix || char(0x10FFFF)";

export const LIST_ENTRIES = `SELECT * FROM cache_entries WHERE ${PAGE} AND ${LIVE} ORDER BY key ${LIMIT}`;

export const CLEARABLE = `
  SELECT id, key, size_bytes, ${LIVE} AS live FROM cache_entries WHERE ${PAGE} ORDER BY key ${LIMIT}`;

export const EXPIRED = `
  SELECT id, size_bytes FROM cache_entries WHERE expires_at IS NOT NULL AND expires_at <= $now AND id <> $kept ${LIMIT}`;

export const LEAST_USED = `
  SELECT id, size_bytes FROM cache_entries WHERE id <> $kept ORDER BY used_at ${LIMIT}`;

const UPSERT = `
  INSERT INTO cache_entries (key, size_bytes, created_at, used_at, expires_at)
  VALUES ($key, $size_bytes, $now, $now, $expires_at)
  ON CONFLICT (key) DO UPDATE SET size_bytes = excluded.size_bytes, created_at = excluded.created_at,
    used_at = excluded.used_at, expires_at = excluded.expires_at
  RETURNING *`;

const UPSERT_VALUE = `
  INSERT INTO cache_values (entry_id, value) VALUES ($id, $value)
  ON CONFLICT (entry_id) DO UPDATE SET value = excluded.value`;

const fromRow = (row: SqlRow): CacheEntry => ({
  key: text(row, "key"),
  sizeBytes: integer(row, "size_bytes"),
  createdAt: integer(row, "created_at"),
  usedAt: integer(row, "used_at"),
  expiresAt: integerOrNull(row, "expires_at"),
});

async function get(session: Session, key: string): Promise<CachedValue | null> {
  const now = session.now();
  const row = await session.read(() => session.sql(GET_VALUE).get({ key, now }));
  if (row === undefined) return null;
  const entry = fromRow(row);
  if (now - entry.usedAt >= TOUCH_EVERY_MS) touch(session, integer(row, "id"), now);
  return { entry, value: row.value as Uint8Array };
}

/** Not waited for: closing the store does that, and a reader has what it asked for. */
function touch(session: Session, id: number, now: number): void {
  const sql = "UPDATE cache_entries SET used_at = $now WHERE id = $id AND used_at < $now";
  session
    .write(() => session.sql(sql).run({ id, now }))
    // A store that cannot be written now is read all the same; the entry is merely evicted earlier than it could be.
    .catch(() => undefined);
}

/** Removes rows that were found by one of the queries above. @returns how many bytes that were. */
function drop(session: Session, rows: readonly SqlRow[]): number {
  let freed = 0;
  for (const row of rows) {
    session.sql("DELETE FROM cache_entries WHERE id = $id").run({ id: integer(row, "id") });
    freed += integer(row, "size_bytes");
  }
  addTo(session, "cache_bytes", -freed);
  return freed;
}

/** The first of `rows` that together have at least `bytes`, or all of them. */
function enough(rows: readonly SqlRow[], bytes: number): readonly SqlRow[] {
  let sum = 0;
  const last = rows.findIndex((row) => {
    sum += integer(row, "size_bytes");
    return sum >= bytes;
  });
  return last < 0 ? rows : rows.slice(0, last + 1);
}

/** Makes room for what was just set: what has expired goes before what could still be used. */
function evict(session: Session, kept: number, maxBytes: number): number {
  const now = session.now();
  let excess = counterValue(session, "cache_bytes") - maxBytes;
  let swept = SWEPT;
  for (let first = true; swept === SWEPT && (first || excess > 0); first = false) {
    const rows = session.sql(EXPIRED).all({ now, kept, limit: SWEPT });
    excess -= drop(session, rows);
    swept = rows.length;
  }
  let evicted = 0;
  while (excess > 0) {
    const rows = enough(session.sql(LEAST_USED).all({ kept, limit: CHUNK }), excess);
    // Nothing but the new value is left, and that fits: the counter cannot say otherwise, but a loop must end.
    if (rows.length === 0) break;
    excess -= drop(session, rows);
    evicted += rows.length;
  }
  return evicted;
}

function set(session: Session, { key, value, ttlMs, maxBytes }: CacheWrite): CacheAnswer {
  const now = session.now();
  const before = session.sql("SELECT size_bytes FROM cache_entries WHERE key = $key").get({ key });
  const size_bytes = value.byteLength;
  const expires_at = ttlMs === null ? null : now + ttlMs;
  const row = session.sql(UPSERT).get({ key, size_bytes, now, expires_at }) as SqlRow;
  session.sql(UPSERT_VALUE).run({ id: integer(row, "id"), value });
  addTo(session, "cache_bytes", size_bytes - (before === undefined ? 0 : integer(before, "size_bytes")));
  return { entry: fromRow(row), evicted: evict(session, integer(row, "id"), maxBytes) };
}

function remove(session: Session, key: string): boolean {
  const found = session.sql(`SELECT id, size_bytes, ${LIVE} AS live FROM cache_entries WHERE key = $key`);
  const row = found.get({ key, now: session.now() });
  if (row === undefined) return false;
  drop(session, [row]);
  return row.live === 1;
}

async function clear(session: Session, prefix: string): Promise<number> {
  let cleared = 0;
  let after: string | null = "";
  while (after !== null) {
    const from: string = after;
    after = await session.write(() => {
      const params = { prefix, after: from, now: session.now(), limit: CHUNK };
      const found = session.sql(CLEARABLE).all(params);
      const rows = enough(found, CLEARED_AT_ONCE);
      drop(session, rows);
      cleared += rows.filter((row) => row.live === 1).length;
      const last = rows.at(-1);
      const isLast = rows.length === found.length && found.length < CHUNK;
      return last === undefined || isLast ? null : text(last, "key");
    });
  }
  return cleared;
}

/** Inside a write: forgets every entry, whatever it is. */
export function removeWholeCache(session: Session): void {
  session.sql("DELETE FROM cache_entries").run();
  session.sql("UPDATE counters SET value = 0 WHERE name = 'cache_bytes'").run();
}

export function sqliteCache(session: Session): CacheStore {
  const list = ({ prefix, after, limit }: CachePage) =>
    session
      .sql(LIST_ENTRIES)
      .all({ prefix, after: after ?? "", limit, now: session.now() })
      .map(fromRow);
  return {
    getCacheValue: async (key) => {
      checkCacheKey(key);
      return await get(session, key);
    },
    setCacheValue: async (write) => {
      checkCacheKey(write.key);
      checkCacheSize(write.value.byteLength, write.maxBytes);
      return await session.write(() => set(session, write));
    },
    listCacheEntries: (page) => session.read(() => list(page)),
    cacheBytes: () => session.read(() => counterValue(session, "cache_bytes")),
    removeCacheEntry: async (key) => {
      checkCacheKey(key);
      return await session.write(() => remove(session, key));
    },
    clearCache: (prefix) => clear(session, prefix),
  };
}
