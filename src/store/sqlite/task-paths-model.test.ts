/**
 * Whatever is submitted, claimed, ended, cancelled, removed and retried, and whenever engines die: no two tasks run of which
 * one writes what the other reads or writes, none goes before one that waits for the same paths and comes first, and in
 * the end every task has run. What is ready is found by its tags meanwhile.
 *
 * `WAYBILL_MODEL_RUNS=N` makes N runs, for a long search by hand.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Lease } from "../../domain/lease.js";
import { TURN_MS } from "../../domain/path-line.js";
import { overlap, type PathMode, type PathScope, readScope, toPathScope } from "../../domain/path-scope.js";
import { QUARANTINE_AFTER, type Task } from "../../domain/task.js";
import type { AttemptEnd, ClaimedTask } from "../attempt-store.js";
import { claim, end, engineLease, failed, newTask, returned, succeeded } from "../conformance/given-tasks.js";
import type { Store } from "../store.js";
import { openSqliteStore } from "./open-sqlite-store.js";

const RUNS = Number(process.env.WAYBILL_MODEL_RUNS ?? (process.env.CI === undefined ? 500 : 10_000));

const ENDS: readonly AttemptEnd[] = [succeeded(), succeeded("1"), failed(null), failed(0), failed(40), returned(null)];
const TYPES = ["a", "b"] as const;

const pick = fc.nat({ max: 9 });
const engine = fc.nat({ max: 1 });
const path = fc
  .tuple(fc.constantFrom<PathMode>("read", "write", "write"), fc.constantFrom("x", "x/y", "x/", "*", "**", "z"))
  .map(([mode, pattern]) => toPathScope(mode, pattern));
const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("submit" as const),
      type: fc.constantFrom(...TYPES),
      priority: fc.nat({ max: 1 }),
      key: fc.constantFrom(null, null, "k"),
      paths: fc.array(path, { maxLength: 2 }),
      tags: fc.constantFrom([], ["t"], ["t", "u"]),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("claim" as const),
      engine,
      types: fc.subarray([...TYPES], { minLength: 1 }),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("end" as const), pick, how: fc.nat({ max: ENDS.length - 1 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom("cancel" as const, "remove" as const, "retry" as const), pick }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("die" as const), engine }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("pass" as const), ms: fc.constantFrom(1, 50, TURN_MS) }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

let store: Store;
const clock = { now: 1_700_000_000_000 };
beforeAll(async () => {
  store = await openSqliteStore({ path: ":memory:", clock: () => clock.now });
});
afterAll(() => store.close());

const collide = (a: readonly PathScope[], b: readonly PathScope[]): boolean =>
  a.some((one) => b.some((other) => overlap(readScope(one), readScope(other))));

class Trial {
  readonly #leases: (Lease | null)[] = [null, null];
  readonly #paths = new Map<string, readonly PathScope[]>();
  #running: { readonly task: ClaimedTask; readonly engine: number }[] = [];

  async run(commands: readonly Command[]): Promise<void> {
    await store.reset();
    for (const one of commands) {
      await this.#do(one);
      await this.#check();
    }
    await this.#drain();
  }

  #pathsOf = ({ id }: Pick<Task, "id">): readonly PathScope[] => this.#paths.get(id) ?? [];

  async #do(one: Command): Promise<void> {
    if (one.op === "submit") {
      const task = newTask({
        type: one.type,
        priority: one.priority,
        concurrencyKey: one.key,
        paths: one.paths,
        tags: one.tags,
      });
      this.#paths.set(task.id, one.paths);
      await store.tasks.submitTasks([task]);
    } else if (one.op === "claim") await this.#claim(one.engine, one.types, one.count);
    else if (one.op === "end") await this.#end(one.pick, ENDS[one.how] ?? succeeded());
    else if (one.op === "die") await this.#die(one.engine);
    else if (one.op === "pass") clock.now += one.ms;
    else await this.#decide(one.op, one.pick);
  }

  async #claim(n: number, types: readonly string[], begin: number): Promise<readonly ClaimedTask[]> {
    this.#leases[n] ??= await engineLease(store, n + 1);
    const lease = this.#leases[n];
    if (lease == null) return [];
    const before = await this.#all();
    const started = await claim(store, lease, { types: types.map((type) => ({ type, limit: 9 })), begin });
    this.#running.push(...started.map((task) => ({ task, engine: n })));
    await this.#checkOrder(started, new Set(before.filter(({ gate }) => gate === "key").map(({ id }) => id)));
    return started;
  }

  /**
   * Nothing that began goes before one that waits for the same paths.
   *
   * @param keyed those that waited for their key before: one that got it in this claim, from a task that was set aside, came
   *   after what had begun
   */
  async #checkOrder(started: readonly ClaimedTask[], keyed: ReadonlySet<string>): Promise<void> {
    const waiting = (await this.#all()).filter(
      ({ id, state, gate }) => state === "queued" && gate === "paths" && !keyed.has(id),
    );
    const found = await store.tasks.getTasks(started.map(({ id }) => id));
    for (const task of found.values()) {
      const passed = waiting.filter(
        (w) =>
          (w.priority > task.priority || (w.priority === task.priority && w.sequence < task.sequence)) &&
          collide(this.#pathsOf(w), this.#pathsOf(task)),
      );
      expect(passed.map(({ id }) => id)).toEqual([]);
    }
  }

  async #end(n: number, how: AttemptEnd): Promise<void> {
    const chosen = this.#running[n % Math.max(1, this.#running.length)];
    if (chosen === undefined) return;
    this.#running = this.#running.filter((one) => one !== chosen);
    expect(await end(store, chosen.task, how)).toMatchObject({ written: true });
  }

  async #decide(op: "cancel" | "remove" | "retry", n: number): Promise<void> {
    const all = await this.#all();
    const task = all[n % Math.max(1, all.length)];
    if (task === undefined) return;
    if (op === "cancel") await store.tasks.requestTaskCancel(task.id, "test");
    else if (op === "retry") await store.tasks.retryTask(task.id);
    else {
      await store.tasks.removeTask(task.id);
      this.#running = this.#running.filter((one) => one.task.id !== task.id);
    }
  }

  async #die(n: number): Promise<void> {
    const lease = this.#leases[n];
    if (lease == null) return;
    this.#leases[n] = null;
    expect(await store.attempts.takeBack(lease, true, QUARANTINE_AFTER)).not.toBeNull();
    this.#running = this.#running.filter((one) => one.engine !== n);
  }

  #all = (): Promise<readonly Task[]> => store.tasks.listTasks({}, { limit: 1_000 });

  async #check(): Promise<void> {
    const all = await this.#all();
    const running = all.filter(({ state }) => state === "running");
    expect(new Set(running.map(({ id }) => id))).toEqual(new Set(this.#running.map(({ task }) => task.id)));
    running.forEach((a, at) => {
      for (const b of running.slice(at + 1)) expect(collide(this.#pathsOf(a), this.#pathsOf(b))).toBe(false);
    });
    for (const tags of [["t"], ["u", "t"]]) {
      const ready = all.filter(
        ({ state, gate, runAt, tags: carried }) =>
          ((state === "queued" && gate === "open") || (state === "scheduled" && (runAt ?? 0) <= clock.now)) &&
          tags.every((tag) => carried.includes(tag)),
      );
      ready.sort((a, b) => b.priority - a.priority || a.sequence - b.sequence);
      const found = await store.tasks.listReady({ tags, limit: 1_000 });
      expect(found.map(({ id }) => id)).toEqual(ready.map(({ id }) => id));
    }
    for (const { id } of all.filter(({ state, gate }) => state === "queued" && gate === "paths")) {
      expect(await store.tasks.pathHolders(id)).not.toEqual([]);
    }
  }

  /** Whatever was left, two engines bring it to its end. */
  async #drain(): Promise<void> {
    const most = 5 * (await this.#all()).length + 10;
    for (let round = 0; round < most; round += 1) {
      await this.#claim(round % 2, [...TYPES], 2);
      await this.#check();
      while (this.#running.length > 0) await this.#end(0, succeeded());
      clock.now += 50;
    }
    expect(await store.tasks.listTasks({ states: ["queued", "scheduled", "running"] }, { limit: 9 })).toEqual([]);
  }
}

it(`keeps paths apart and starves nobody in ${RUNS} runs`, { timeout: 0 }, async () => {
  const property = fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 14 }), (commands) =>
    new Trial().run(commands),
  );
  await fc.assert(property, { numRuns: RUNS });
});
