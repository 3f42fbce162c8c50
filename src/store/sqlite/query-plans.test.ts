import { describe, expect, it } from "vitest";
import { plansOver } from "../../../test/harness/query-plans.js";
import { EVENT_TYPES } from "../../domain/event.js";
import { ACTIVE_STATUSES } from "../../domain/run.js";
import type { RunFilter } from "../run-store.js";
import { BATCHES_WITH_QUEUED, ITEMS, listBatchesSql } from "./batch-queries.js";
import { BY_ENTRY, BY_PLAN } from "./batches.js";
import { CLEARABLE, EXPIRED, GET_VALUE, LEAST_USED, LIST_ENTRIES } from "./cache.js";
import { ENDED_RUNS, FIRST_TOO_MANY, OLDEST_LOGS, TOO_MANY } from "./doomed-runs.js";
import { readEventsSql } from "./events.js";
import { LIST_DETACHED } from "./external-runs.js";
import { OLD_BATCHES, OLD_EVENTS } from "./garbage.js";
import { guardedSql } from "./guarded-writes.js";
import { countUpToSql, DURATIONS_BEFORE, LIST_REFS } from "./history.js";
import { LEASES_BY_PREFIX, RENEW } from "./leases.js";
import { STRAYS_OF } from "./relocation.js";
import { OLDEST_WAITING, SAME_WORK, SLOTS_HELD } from "./run-placement.js";
import {
  ACTIVE_RUNS_SQL,
  BY_PREFIX,
  BY_TREE,
  COMPLETED,
  countRunsSql,
  DURATIONS,
  HOLDERS,
  listRunsSql,
} from "./run-queries.js";
import { GET_VARIABLE, LIST_VARIABLES } from "./variables.js";

const ROWS = 100_000;

/** With 10^5 runs, the same for every shape of question. */
const planOf = plansOver(`
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
  INSERT INTO runs (id, kind, ref, machine, test_dir, test_dir_hash, work_hash, request, created_by, detached, labels,
    status, attempt, fence, created_at, started_at, ended_at, exit_code, artifact_state)
  SELECT printf('%012d', i), 'directory', 'ref-' || (i % 50), 'm-' || (i % 20), '/d', 't-' || (i % 500), 'w-' || i,
    '{}', 'u-' || (i % 5), 0, '{}', CASE WHEN i % 3 = 0 THEN 'failed' ELSE 'completed' END, 1, i, i, i, i + 5, 
    CASE WHEN i % 3 = 0 THEN 1 ELSE 0 END, 'none' FROM n;
  INSERT INTO events (at, type, subject, data) SELECT created_at, 'run.created', id, '{}' FROM runs;`);

const filters: readonly RunFilter[] = [
  { machine: "m" },
  { ref: "r" },
  { kind: "directory" },
  { batchId: "b" },
  { testDirHash: "t" },
  { createdBy: "u" },
  { source: "s" },
  { client: "c" },
  { session: "s" },
  { labels: { a: "b" } },
  { labels: { a: "b", c: "d" }, statuses: ["failed", "timeout"], ref: "r" },
  { statuses: ["failed"] },
  { statuses: ACTIVE_STATUSES },
  { statuses: ACTIVE_STATUSES, machine: "m", ref: "r" },
];

const queries: readonly (readonly [name: string, sql: string])[] = [
  ...filters.flatMap((filter): [string, string][] => [
    [`a page of runs by ${JSON.stringify(filter)}`, listRunsSql(filter, {})],
    [`a later page of runs by ${JSON.stringify(filter)}`, listRunsSql(filter, { before: "x" })],
    [`the count of runs by ${JSON.stringify(filter)}`, countRunsSql(filter)],
  ]),
  ["a later page of all runs", listRunsSql({}, { before: "x" })],
  ["active runs", ACTIVE_RUNS_SQL],
  ["runs by prefix", BY_PREFIX],
  ["runs by tree", BY_TREE],
  ["the completed run of a work", COMPLETED],
  ["durations", DURATIONS],
  ["detached runs", LIST_DETACHED],
  ["durations before a run", DURATIONS_BEFORE],
  ["holders of slots", HOLDERS],
  ["the active run of a work", SAME_WORK],
  ["the oldest waiting run", OLDEST_WAITING],
  ["slots held", SLOTS_HELD],
  ["strays of a run", STRAYS_OF],
  ["a guarded write", guardedSql({ set: "pid = 1", from: ACTIVE_STATUSES })],
  ["items", ITEMS],
  ["batches with queued items", BATCHES_WITH_QUEUED],
  ["the batch of a plan", BY_PLAN],
  ["the run of an entry", BY_ENTRY],
  ["a page of batches by staging", listBatchesSql({ staging: "s" }, { before: "x" })],
  ["a page of batches by plan", listBatchesSql({ planHash: "p" }, { before: "x" })],
  ["leases by prefix", LEASES_BY_PREFIX],
  ["a lease to renew", RENEW],
  ["events after a cursor", readEventsSql({})],
  ["events of a subject", readEventsSql({ subject: "s", types: EVENT_TYPES })],
  ["events of a batch", readEventsSql({ batchId: "b" })],
  ["ended runs", ENDED_RUNS],
  ["the first run that is one too many", FIRST_TOO_MANY],
  ["runs that are too many", TOO_MANY],
  ["the oldest logs", OLDEST_LOGS],
  ["old batches", OLD_BATCHES],
  ["old events", OLD_EVENTS],
  ["a cached value", GET_VALUE],
  ["a page of the cache", LIST_ENTRIES],
  ["a part of the cache to clear", CLEARABLE],
  ["what of the cache has expired", EXPIRED],
];

describe("with 10^5 rows, an index answers", () => {
  it.each(queries)("%s", (_name, sql) => {
    const plan = planOf(sql);
    expect(plan.length).toBeGreaterThan(0);
    // A partial index that holds only what is asked for is read whole; a table is not.
    const scans = plan.filter((step) => /^SCAN/.test(step) && !step.includes("batch_items_queued"));
    expect(scans.filter((step) => !/CONSTANT ROW|SUBQUERY/.test(step))).toEqual([]);
    expect(plan.filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
  });

  it.each([
    ["a variable", GET_VARIABLE],
    ["a page of variables", LIST_VARIABLES],
  ])("%s, by key in each scope of the chain", (_name, sql) => {
    const plan = planOf(sql);
    expect(plan.filter((step) => /variables/.test(step))).toEqual([
      expect.stringMatching(/^SEARCH .* variables_by_key/),
    ]);
    expect(plan.filter((step) => /runs/.test(step))).toEqual([expect.stringMatching(/^SEARCH runs USING INDEX/)]);
  });

  it("what of the cache was used least recently in the order of its use, without reading a row", () => {
    expect(planOf(LEAST_USED)).toEqual(["SCAN cache_entries USING COVERING INDEX cache_entries_by_use"]);
  });

  it.each([
    ["the next refs", LIST_REFS],
    ["a bounded count of a ref", countUpToSql({ ref: "r", statuses: ["failed", "completed"] }, { from: "x" })],
    ["a bounded count by labels", countUpToSql({ labels: { a: "b" } }, {})],
  ])("%s, by a few entries of an index", (_name, sql) => {
    const plan = planOf(sql).filter((step) => /runs|label/.test(step));
    expect(plan.length).toBeGreaterThan(0);
    expect(plan.filter((step) => !/^SEARCH (runs|label) USING/.test(step))).toEqual([]);
  });

  it("the first page of all runs in the order of the key, without sorting", () => {
    expect(planOf(listRunsSql({}, {}))).toEqual(["SCAN runs USING INDEX sqlite_autoindex_runs_1"]);
  });
});
