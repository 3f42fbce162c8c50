import { describe, expect, it } from "vitest";
import { plansOver } from "../../../test/harness/query-plans.js";
import type { TaskFilter } from "../task-store.js";
import { ATTEMPTS, SIGNALS } from "./attempts.js";
import { ENDED_TASKS } from "./doomed-tasks.js";
import { OLD_WORKERS } from "./garbage.js";
import { ACCEPT, NEWEST_NOTES, NOTES_OF_TASK } from "./notes.js";
import { CLAIM_LEASE, CLAIM_LEASES, OWNED } from "./owners.js";
import {
  LEAVE_PLACES,
  NEXT_PATTERN,
  OF_NEXT_RANK,
  OF_SAME_RANK,
  PATHS_OF_TASK,
  PATTERNS_OF,
  TAKE_PLACES,
} from "./path-places.js";
import { DUE_SCHEDULES, NEXT_SCHEDULE } from "./schedules.js";
import {
  DUE,
  EXPIRED_DEADLINES,
  EXPIRED_TURNS,
  NEXT_DEADLINE,
  NEXT_DUE,
  NEXT_TURN,
  REMEMBER_WORKER,
  START,
} from "./task-claim.js";
import {
  ANY_CONSEQUENCE,
  COMPLETE,
  COMPLETE_WITH_RESULTS,
  CONSEQUENTIAL,
  RECORD_SUCCESSES,
  RECORD_SUCCESSES_WITH_VERDICTS,
} from "./task-ends.js";
import {
  CALLS,
  KEY_HOLDERS,
  NEXT_OF_KEY,
  PATH_WAITERS,
  UNCALLED,
  UNRESOLVED,
  WAITING_KEYS,
  WAITING_ON,
} from "./task-gates.js";
import { PASS_ON } from "./task-hand-off.js";
import { BLOCKED_BY, BLOCKING, DISCOVERED, DISCOVERED_FROM, STILL_WAITED_FOR } from "./task-links.js";
import { PATH_HOLDER } from "./task-paths.js";
import {
  COUNT_OF_TYPE,
  DEPENDENCIES,
  LIVE_AMONG,
  listTasksWalk,
  OLDEST_QUEUED,
  TASKS_BY_PREFIX,
  TYPES,
} from "./task-queries.js";
import { READY_OF_TAG, READY_WHEN_DUE, readySql, taggedSql } from "./task-ready.js";
import { RUNNING_OF_TYPE } from "./task-rooms.js";
import { LOG_OF_TASK, STEP_OF_TASK, STEPS_OF_TASK } from "./task-steps.js";
import { LIVE_WITH_UNIQUE_KEY, NEWEST_WITH_UNIQUE_KEY } from "./task-submit.js";
import { FAILED_OF_TYPE } from "./tasks.js";
import { HELD, WORKERS_BY_OWNER } from "./worker-records.js";
import { GUARD, PROLONG, RUNNING } from "./workers.js";

const ROWS = 100_000;

/** With 10^5 waiting tasks of twenty types. */
const planOf = plansOver(`
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
  INSERT INTO tasks (id, type, state, priority, submitted_at, params, concurrency_key, unique_key)
  SELECT printf('%012d', i), 't-' || (i % 20), 'queued', i % 3, i, '{}', 'k-' || (i % 100), 'u-' || i FROM n`);

const list = (filter: TaskFilter, bounded: boolean): string =>
  listTasksWalk(filter, filter.types ?? ["a", "b", "c"], bounded)?.sql ?? "";

const filters: readonly TaskFilter[] = [
  { states: ["queued", "failed"] },
  { types: ["a"] },
  { types: ["a", "b"], states: ["completed"] },
  { tag: "x", types: ["a"] },
  { parentId: "p", tag: "x", states: ["queued"] },
];

const queries: readonly (readonly [name: string, sql: string])[] = [
  ["the next tasks of a type", readySql(1)],
  ["the next tasks of three types", readySql(3)],
  ["how many ready tasks a tag has", READY_OF_TAG],
  ["ready tasks that are only due", READY_WHEN_DUE],
  ["what a task is blocked by", BLOCKED_BY],
  ["what a task blocks", BLOCKING],
  ["what a task was discovered from", DISCOVERED_FROM],
  ["what was discovered from a task", DISCOVERED],
  ["what a task is still blocked by", STILL_WAITED_FOR],
  ["turns that are over", EXPIRED_TURNS],
  ["the next turn that ends", NEXT_TURN],
  ["paths of a task", PATHS_OF_TASK],
  ["which patterns begin at a place", NEXT_PATTERN],
  ["those at a place who stand before a task", OF_SAME_RANK],
  ["those at a place of the next rank", OF_NEXT_RANK],
  ["the patterns of some", PATTERNS_OF],
  ["the places of a task that begins", TAKE_PLACES],
  ["the places of a task that ends", LEAVE_PLACES],
  ["who has paths", PATH_HOLDER],
  ["tasks that wait for the paths of one", PATH_WAITERS],
  ["whose waiters are still to be called", CALLS],
  ["whether a task is still to be called", UNCALLED],
  ["the start of what was claimed", START],
  ["what runs of a type", RUNNING_OF_TYPE],
  ["tasks that are due", DUE],
  ["the next that is due", NEXT_DUE],
  ["tasks past their deadline", EXPIRED_DEADLINES],
  ["the next deadline", NEXT_DEADLINE],
  ["the record of successes", RECORD_SUCCESSES],
  ["the record of successes with verdicts", RECORD_SUCCESSES_WITH_VERDICTS],
  ["the end of successes", COMPLETE],
  ["the end of successes with results", COMPLETE_WITH_RESULTS],
  ["ends on which something hangs", CONSEQUENTIAL],
  ["what an engine owns", OWNED],
  ["the lease of a claim", CLAIM_LEASE],
  ["the leases of claims that end", CLAIM_LEASES],
  ["which tasks a worker was given", REMEMBER_WORKER],
  ["workers by their fences", WORKERS_BY_OWNER],
  ["a chunk of the workers", OLD_WORKERS],
  ["what runs, for those who look", RUNNING],
  ["a guard", GUARD],
  ["who has a task, and for how long", HELD],
  ["a hand-off", PASS_ON],
  ["a lease that lasts longer", PROLONG],
  ["an accepted review", ACCEPT],
  ["a thread", NOTES_OF_TASK],
  ["the end of a thread", NEWEST_NOTES],
  ["holders of a key", KEY_HOLDERS],
  ["the next of a key", NEXT_OF_KEY],
  ["tasks that wait for one", WAITING_ON],
  ["what a task still waits for", UNRESOLVED],
  ["dependencies", DEPENDENCIES],
  ["tasks by prefix", TASKS_BY_PREFIX],
  ["the live ones of some", LIVE_AMONG],
  ["a count", COUNT_OF_TYPE],
  ["the oldest that waits", OLDEST_QUEUED],
  ["live tasks of a unique key", LIVE_WITH_UNIQUE_KEY],
  ["the newest of a unique key", NEWEST_WITH_UNIQUE_KEY],
  ["failed tasks of a type", FAILED_OF_TYPE],
  ["old tasks", ENDED_TASKS],
  ["attempts", ATTEMPTS],
  ["signals", SIGNALS],
  ["steps", STEPS_OF_TASK],
  ["a step", STEP_OF_TASK],
  ["a log", LOG_OF_TASK],
  ["due schedules", DUE_SCHEDULES],
  ["the next schedule", NEXT_SCHEDULE],
  ...filters.flatMap((filter): [string, string][] => [
    [`a page by ${JSON.stringify(filter)}`, list(filter, false)],
    [`a later page by ${JSON.stringify(filter)}`, list(filter, true)],
  ]),
  ["a later page of all", list({}, true)],
];

describe("with 10^5 waiting tasks, an index answers", () => {
  it.each(queries)("%s", (_name, sql) => {
    const plan = planOf(sql);
    expect(plan.length).toBeGreaterThan(0);
    // A list of ids that was given is read whole, and so is a partial index that holds only what is asked for.
    const scans = plan.filter((step) => /^SCAN/.test(step) && !/json_each|VIRTUAL TABLE/.test(step));
    expect(
      scans.filter((step) => !/tasks_due|tasks_by_deadline|path_calls|schedules_due|CONSTANT ROW|SUBQUERY/i.test(step)),
    ).toEqual([]);
    expect(plan.filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
  });

  it.each([
    ["the types there are", TYPES],
    ["keys that wait", WAITING_KEYS],
  ])("%s", (_name, sql) => {
    const plan = planOf(sql).filter((step) => /tasks/.test(step));
    expect(plan.length).toBeGreaterThan(0);
    expect(plan.filter((step) => !/SEARCH tasks USING COVERING INDEX/.test(step))).toEqual([]);
  });

  it("whether anything hangs on an end, by the first entry of five", () => {
    const plan = planOf(ANY_CONSEQUENCE).filter((step) => /^(SCAN|SEARCH) (?!CONSTANT)/.test(step));
    expect(plan).toEqual([
      expect.stringMatching(/^SCAN task_dependencies USING COVERING INDEX/),
      expect.stringMatching(/^SCAN task_signals/),
      expect.stringMatching(/^SCAN path_places/),
      expect.stringMatching(/^SCAN tasks USING (COVERING )?INDEX tasks_key_holders/),
      expect.stringMatching(/^SCAN workers USING (COVERING )?INDEX workers_present/),
    ]);
  });

  it("the next tasks of three types with two tags, without sorting", () => {
    const plan = planOf(taggedSql(3, 2)).filter((step) => /^(SCAN|SEARCH|USE) /.test(step));
    const walk = [
      expect.stringMatching(/^SEARCH ready_tags USING PRIMARY KEY \(tag=\? AND type=\?\)/),
      expect.stringMatching(/^SEARCH task_tags /),
    ];
    expect(plan).toEqual([
      ...walk,
      ...walk,
      ...walk,
      "SCAN ready",
      expect.stringMatching(/^SEARCH tasks USING INTEGER/),
    ]);
  });

  it("all tasks in the order of their age, without sorting", () => {
    expect(planOf(list({}, false))).toEqual([expect.stringMatching(/^SEARCH tasks USING INTEGER PRIMARY KEY/)]);
  });
});
