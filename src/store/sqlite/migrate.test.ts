import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ATTEMPT_SIGNALS, ATTEMPT_STATES, RETURN_REASONS } from "../../domain/attempt.js";
import { ITEM_STATES } from "../../domain/batch.js";
import { DEPENDENCY_OUTCOMES } from "../../domain/dependency.js";
import { NOTE_KINDS } from "../../domain/note.js";
import { RUNNING_RANK } from "../../domain/path-line.js";
import { DEEPEST_PLACE, spotsOf } from "../../domain/path-places.js";
import { PATH_MODES, toPathScope } from "../../domain/path-scope.js";
import { ARTIFACT_STATES, RUN_KINDS, RUN_STATUSES, TERMINAL_STATUSES } from "../../domain/run.js";
import { CATCH_UP_POLICIES, OVERLAP_POLICIES } from "../../domain/schedule.js";
import { ENDED_TASK_STATES, TASK_GATES, TASK_STATES } from "../../domain/task.js";
import { LINK_KINDS } from "../../domain/task-links.js";
import { WORKER_KINDS } from "../../domain/worker.js";
import { finished } from "../conformance/given.js";
import { STEP_KINDS } from "../step-store.js";
import { betterSqlite3Driver } from "./better-sqlite3-driver.js";
import type { SqliteConnection } from "./driver.js";
import { type Migration, migrate, readMigrations, SCHEMA_VERSION } from "./migrate.js";
import { openSqliteStore } from "./open-sqlite-store.js";
import { sqlList } from "./statements.js";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "waybill-migrate-"));
  path = join(directory, "waybill.db");
});
afterEach(() => rmSync(directory, { recursive: true }));

const second = (sql: string): Migration[] => [
  ...readMigrations(),
  { version: SCHEMA_VERSION + 1, name: "next.sql", sql, checksum: "c" },
];

/** Migrates the file of the test as a newer program would. */
async function migrateTo(migrations: readonly Migration[]): Promise<void> {
  const connection: SqliteConnection = betterSqlite3Driver.open(path, { readOnly: false });
  const busyError = (): Error => new Error("busy");
  try {
    await migrate({ driver: betterSqlite3Driver, connection, path, patienceMs: 1_000, busyError }, migrations);
  } finally {
    connection.close();
  }
}

describe("the schema", () => {
  it("has the version of its newest file, and files numbered without gaps", () => {
    const versions = readMigrations().map((m) => m.version);
    expect(versions).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, at) => at + 1));
  });

  it("allows exactly the states of the domain", () => {
    const sql = readMigrations()
      .map((migration) => migration.sql)
      .join(" ")
      .replaceAll(/\s+/g, " ");
    expect(sql).toContain(`CHECK (kind IN (${sqlList(RUN_KINDS)}))`);
    expect(sql).toContain(`CHECK (status IN (${sqlList(RUN_STATUSES)}))`);
    expect(sql).toContain(`CHECK ((ended_at IS NOT NULL) = (status IN (${sqlList(TERMINAL_STATUSES)})))`);
    expect(sql).toContain(`CHECK (artifact_state IN (${sqlList(ARTIFACT_STATES)}))`);
    expect(sql).toContain(`CHECK (state IN (${sqlList(ITEM_STATES)}))`);
    expect(sql).toContain(`CHECK (state IN (${sqlList(TASK_STATES)}))`);
    expect(sql).toContain(`CHECK ((state IN (${sqlList(ENDED_TASK_STATES)})) = (ended_at IS NOT NULL))`);
    expect(sql).toContain(`CHECK (gate IN (${sqlList(TASK_GATES)}))`);
    expect(sql).toContain(`CHECK (state IN (${sqlList(ATTEMPT_STATES.filter((state) => state !== "running"))}))`);
    expect(sql).toContain(`CHECK (returned IN (${sqlList(RETURN_REASONS)}))`);
    expect(sql).toContain(`CHECK (outcome IN (${sqlList(DEPENDENCY_OUTCOMES)}))`);
    expect(sql).toContain(`CHECK (kind IN (${sqlList(STEP_KINDS)}))`);
    expect(sql).toContain(`CHECK (kind IN (${sqlList(WORKER_KINDS)}))`);
    expect(sql).toContain(`CHECK (kind IN (${sqlList(NOTE_KINDS)}))`);
    expect(sql).toContain(`CHECK (mode IN (${sqlList(PATH_MODES)}))`);
    expect(sql).toContain(`CHECK (signal IN (${sqlList(ATTEMPT_SIGNALS)}))`);
    expect(sql).toContain(`CHECK (kind IN (${sqlList(LINK_KINDS.filter((kind) => kind !== "blocks"))}))`);
    expect(sql).toContain(`CHECK (catch_up IN (${sqlList(CATCH_UP_POLICIES)}))`);
    expect(sql).toContain(`CHECK (overlap IN (${sqlList(OVERLAP_POLICIES)}))`);
  });

  it("makes rows impossible that must not be", async () => {
    const store = await openSqliteStore({ path });
    const run = await finished(store);
    await store.close();
    const raw = new Database(path);
    for (const wrong of [
      "status = 'paused'",
      "status = 'running'",
      "ended_at = NULL",
      "slot = 1",
      "exit_code = 3",
      "attempt = 0",
      "request = 'no json'",
      "batch_id = 'unknown'",
      "created_at = 'yesterday'",
    ]) {
      const change = raw.prepare(`UPDATE runs SET ${wrong} WHERE id = ?`);
      expect(() => change.run(run.id), wrong).toThrow(/constraint failed|cannot store/);
    }
    raw.close();
  });
});

describe("migrating", () => {
  it("changes nothing in a store that is up to date", async () => {
    await (await openSqliteStore({ path })).close();
    const before = readFileSync(path);
    const store = await openSqliteStore({ path });
    expect(statSync(`${path}-wal`).size).toBe(0);
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("keeps a private copy of what was, and does nothing the second time", async () => {
    const store = await openSqliteStore({ path });
    const run = await finished(store);
    await store.close();
    const migrations = second("ALTER TABLE runs ADD COLUMN extra TEXT;");
    await migrateTo(migrations);
    await migrateTo(migrations);
    const copy = `${path}.before-${SCHEMA_VERSION + 1}`;
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const was = await openSqliteStore({ path: copy });
    expect(await was.runs.getRun(run.id)).toEqual(run);
    await was.close();
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "store_newer" });
  });

  it("leaves everything as it was when a migration fails", async () => {
    const store = await openSqliteStore({ path });
    const run = await finished(store);
    await store.close();
    await expect(migrateTo(second("CREATE TABLE half (a TEXT) STRICT; nonsense;"))).rejects.toThrow("nonsense");
    const again = await openSqliteStore({ path });
    expect(await again.runs.getRun(run.id)).toEqual(run);
    expect((await again.info()).schemaVersion).toBe(SCHEMA_VERSION);
    await again.close();
  });

  it("keeps what tasks waited for, how attempts were given back and what owners were told, in columns made again", async () => {
    await migrateTo(readMigrations().filter(({ version }) => version < 10));
    const raw = new Database(path);
    raw.exec(`
      INSERT INTO tasks (id, type, state, gate, submitted_at, params, concurrency_key) VALUES
        ('open', 't', 'queued', 'open', 1, '1', NULL), ('key', 't', 'queued', 'key', 2, '2', 'k'),
        ('deps', 't', 'queued', 'dependencies', 3, '3', NULL);
      INSERT INTO tasks (id, type, state, submitted_at, params, fence, owner, attempt, started_at, concurrency_key)
        VALUES ('runs', 't', 'running', 4, '4', 7, 6, 2, 5, 'k');
      INSERT INTO task_dependencies VALUES (3, 'open', 'completed', 0);
      UPDATE tasks SET tags = '["x"]' WHERE seq IN (1, 2);
      INSERT INTO task_tags VALUES ('x', 1), ('x', 2);
      INSERT INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at, returned) VALUES
        (4, 1, 1, 5, 4, 'cancelled', 1, 2, 'snoozed'), (1, 1, 1, 3, 2, 'failed', 1, 2, NULL);
      INSERT INTO task_signals VALUES (7, 6, 'removed'), (8, 6, 'cancel');`);
    raw.close();
    const store = await openSqliteStore({ path });
    const tasks = await store.tasks.listTasks({}, { limit: 9 });
    expect(tasks.map(({ id, gate, state, params }) => [id, gate, state, params]).reverse()).toEqual([
      ["open", "open", "queued", 1],
      ["key", "key", "queued", 2],
      ["deps", "dependencies", "queued", 3],
      ["runs", "open", "running", 4],
    ]);
    const ready = async () => (await store.tasks.listReady({ tags: ["x"], limit: 9 })).map(({ id }) => id);
    expect(await ready()).toEqual(["open"]);
    expect(await store.attempts.listAttempts("runs")).toMatchObject([
      { state: "cancelled", returned: "snoozed", result: null },
      { state: "running" },
    ]);
    expect(await store.attempts.listAttempts("open")).toMatchObject([{ returned: null }]);
    expect(await store.attempts.readSignals(6)).toEqual([
      { fence: 7, signal: "removed" },
      { fence: 8, signal: "cancel" },
    ]);
    const guard = { taskId: "runs", sequence: 4, attempt: 2, fence: 7 };
    await store.attempts.endAttempts([{ guard, end: { state: "succeeded", result: null } }]);
    expect(await store.tasks.getTask("key")).toMatchObject({ gate: "open" });
    expect(await ready()).toEqual(["open", "key"]);
    await store.close();
    const checked = new Database(path, { readonly: true });
    expect([checked.pragma("integrity_check", { simple: true }), checked.pragma("foreign_key_check")]).toEqual([
      "ok",
      [],
    ]);
    checked.close();
  });

  it("finds those who ran with paths or waited for some where a program would put them", async () => {
    const patterns = ["**", "a", "src/store/a.ts", "src/st?re/b", "src/ä b/*/c", "x/**/y", "[1]/{b}/", "d/".repeat(20)];
    const paths = patterns.map((pattern, n) =>
      toPathScope(n % 2 === 0 ? "write" : "read", pattern, n > 5 ? "web" : ""),
    );
    await migrateTo(readMigrations().filter(({ version }) => version < 11));
    const raw = new Database(path);
    raw.exec(`
      INSERT INTO tasks (id, type, state, submitted_at, params, fence, owner, attempt, started_at, has_paths)
        VALUES ('runs', 't', 'running', 1, '1', 7, 6, 1, 5, 1);
      INSERT INTO tasks (id, type, state, gate, submitted_at, params, priority, has_paths) VALUES
        ('waits', 't', 'queued', 'paths', 2, '2', 3, 1), ('turn', 't', 'queued', 'open', 3, '3', 0, 1),
        ('ready', 't', 'queued', 'open', 4, '4', 0, 1);
      INSERT INTO path_waits VALUES (2, 1, NULL), (3, NULL, 9);`);
    const insert = raw.prepare("INSERT INTO task_paths VALUES ($seq, $mode, $space, $pattern)");
    for (const seq of [1, 2, 3, 4]) for (const one of paths) insert.run({ seq, ...one });
    raw.close();
    await (await openSqliteStore({ path })).close();
    const migrated = new Database(path, { readonly: true });
    const placesOf = (seq: number): unknown[] =>
      migrated.prepare("SELECT mode, space, place, pattern, rank FROM path_places WHERE seq = ?").all(seq);
    const expected = spotsOf(paths).map((spot) => ({ ...spot, pattern: spot.pattern ?? "" }));
    expect(expected.some(({ place }) => place.split("/").length === DEEPEST_PLACE)).toBe(true);
    for (const [seq, rank] of [RUNNING_RANK, 3, 0].entries()) {
      const found = placesOf(seq + 1);
      expect(found).toHaveLength(expected.length);
      expect(found).toEqual(expect.arrayContaining(expected.map((spot) => ({ ...spot, rank }))));
    }
    expect(placesOf(4)).toEqual([]);
    migrated.close();
  });

  it("refuses a store that was made with another text of a migration", async () => {
    await (await openSqliteStore({ path })).close();
    const [first, ...rest] = second("CREATE TABLE more (a TEXT) STRICT;");
    if (first === undefined) throw new Error("there is no migration");
    const altered = [{ ...first, checksum: "altered" }, ...rest];
    await expect(migrateTo(altered)).rejects.toMatchObject({ code: "store_corrupt", details: { version: 1 } });
    expect(existsSync(`${path}.before-${SCHEMA_VERSION + 1}`)).toBe(false);
  });

  it.each([1])("opens and reads a store that schema %i made", async (version) => {
    copyFileSync(fileURLToPath(new URL(`../../../test/fixtures/store/v${version}.db`, import.meta.url)), path);
    const store = await openSqliteStore({ path });
    const [newest] = await store.runs.listRuns({}, { limit: 10 });
    expect(newest).toMatchObject({ status: "completed", exitCode: 0, planEntry: "unit", request: { graceMs: 10_000 } });
    const batch = await store.batches.getBatch(newest?.batchId ?? "");
    expect(batch?.items[0]).toMatchObject({ name: "unit", state: "dispatched", runId: newest?.id });
    expect(await store.events.lastSequence()).toBe(7);
    expect((await store.info()).schemaVersion).toBe(SCHEMA_VERSION);
    await store.close();
  });
});
