/**
 * The store of tasks against a model in memory: whatever is submitted, claimed, ended, cancelled, removed and retried, and
 * whenever engines die and clocks jump, both say the same.
 *
 * `WAYBILL_MODEL_RUNS=N` makes N runs, for a long search by hand.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DependencyOutcome } from "../../domain/dependency.js";
import type { Lease } from "../../domain/lease.js";
import { QUARANTINE_AFTER } from "../../domain/task.js";
import type { AttemptEnd, ClaimedTask } from "../attempt-store.js";
import { claim, end, engineLease, failed, newTask, returned, succeeded } from "../conformance/given-tasks.js";
import { type ModelTask, TaskModel } from "../conformance/task-model.js";
import type { Store } from "../store.js";
import { openSqliteStore } from "./open-sqlite-store.js";

const RUNS = Number(process.env.WAYBILL_MODEL_RUNS ?? (process.env.CI === undefined ? 10_000 : 100_000));

const ENDS: readonly AttemptEnd[] = [
  succeeded(),
  failed(null),
  failed(0),
  failed(40),
  returned(null),
  returned(25),
  { state: "cancelled", failure: { code: "cancelled", name: null, message: "" } },
];

const at = fc.nat({ max: 7 });
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("submit" as const),
      priority: fc.nat({ max: 2 }),
      delayMs: fc.constantFrom(0, 0, 30),
      key: fc.constantFrom(null, null, "k"),
      on: fc.option(at),
      outcome: fc.constantFrom("completed", "failed", "ended"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("claim" as const),
      engine: fc.nat({ max: 1 }),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("end" as const), at, how: fc.nat({ max: ENDS.length - 1 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom("cancel" as const, "remove" as const, "retry" as const, "stale" as const),
      at,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("die" as const), engine: fc.nat({ max: 1 }), proved: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("pass" as const), ms: fc.constantFrom(1, 30, 100) }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

let store: Store;
const clock = { now: 1_700_000_000_000 };
beforeAll(async () => {
  store = await openSqliteStore({ path: ":memory:", clock: () => clock.now });
});
afterAll(() => store.close());

/** One run: the store and the model, told the same. */
class Trial {
  readonly #model = new TaskModel();
  readonly #leases: (Lease | null)[] = [null, null];
  /** What runs, and what ran and was superseded. */
  readonly #held = new Map<string, { readonly claimed: ClaimedTask; readonly engine: number }>();
  readonly #stale: ClaimedTask[] = [];

  async run(commands: readonly Command[]): Promise<void> {
    await store.reset();
    for (const one of commands) {
      this.#model.now = clock.now;
      await this.#do(one);
    }
    await this.#compare();
  }

  #pick(n: number): ModelTask | undefined {
    const all = [...this.#model.tasks.values()];
    return all[n % Math.max(1, all.length)];
  }

  async #do(one: Command): Promise<void> {
    if (one.op === "pass") clock.now += one.ms;
    else if (one.op === "submit") await this.#submit(one);
    else if (one.op === "claim") await this.#claim(one.engine, one.count);
    else if (one.op === "die") await this.#die(one.engine, one.proved);
    else if (one.op === "end") await this.#end(one.at, ENDS[one.how] ?? succeeded());
    else if (one.op === "stale") await this.#writeLate(one.at);
    else await this.#decide(one.op, one.at);
  }

  async #submit({ priority, delayMs, key, on, outcome }: Extract<Command, { op: "submit" }>): Promise<void> {
    const target = on === null ? undefined : this.#pick(on);
    const waitsFor = target === undefined ? null : { id: target.id, outcome: outcome as DependencyOutcome };
    const task = newTask({ priority, delayMs, concurrencyKey: key, dependsOn: waitsFor === null ? [] : [waitsFor] });
    await store.tasks.submitTasks([task]);
    this.#model.submit(task.id, priority, delayMs, key, waitsFor);
  }

  async #claim(engine: number, count: number): Promise<void> {
    this.#leases[engine] ??= await engineLease(store, engine + 1);
    const lease = this.#leases[engine];
    if (lease == null) return;
    const tasks = await claim(store, lease, { begin: count });
    expect(tasks.map(({ id }) => id)).toEqual(this.#model.claim(count));
    for (const claimed of tasks) this.#held.set(claimed.id, { claimed, engine });
  }

  async #end(n: number, how: AttemptEnd): Promise<void> {
    const held = [...this.#held.values()];
    const chosen = held[n % Math.max(1, held.length)];
    const task = chosen === undefined ? undefined : this.#model.tasks.get(chosen.claimed.id);
    if (chosen === undefined || task === undefined) return;
    this.#held.delete(task.id);
    this.#stale.push(chosen.claimed);
    this.#model.end(task, how);
    expect(await end(store, chosen.claimed, how)).toEqual({ written: true, value: task.state });
  }

  /** An attempt that is over, was lost or whose task was removed ends once more. */
  async #writeLate(n: number): Promise<void> {
    const late = this.#stale[n % Math.max(1, this.#stale.length)];
    if (late !== undefined) expect(await end(store, late)).toMatchObject({ written: false });
  }

  async #decide(op: "cancel" | "remove" | "retry", n: number): Promise<void> {
    const task = this.#pick(n);
    if (task === undefined) return;
    if (op === "cancel") {
      this.#model.cancel(task);
      await store.tasks.requestTaskCancel(task.id, "test");
    } else if (op === "retry") {
      const retried = this.#model.retry(task);
      expect((await store.tasks.retryTask(task.id)) !== null).toBe(retried);
    } else {
      this.#model.remove(task);
      await store.tasks.removeTask(task.id);
      const held = this.#held.get(task.id);
      this.#held.delete(task.id);
      if (held !== undefined) this.#stale.push(held.claimed);
    }
  }

  async #die(engine: number, proved: boolean): Promise<void> {
    const lease = this.#leases[engine];
    if (lease == null) return;
    if (!proved) clock.now += 60_000;
    this.#model.now = clock.now;
    this.#leases[engine] = null;
    expect(await store.attempts.takeBack(lease, proved, QUARANTINE_AFTER)).not.toBeNull();
    // One type, in the order of age: as the store finds what it owned.
    const lost = [...this.#held.values()].filter((held) => held.engine === engine);
    const tasks = lost.flatMap(({ claimed }) => this.#model.tasks.get(claimed.id) ?? []);
    for (const task of tasks.sort((a, b) => a.sequence - b.sequence)) this.#model.lose(task);
    for (const { claimed } of lost) {
      this.#held.delete(claimed.id);
      this.#stale.push(claimed);
    }
  }

  async #compare(): Promise<void> {
    const found = await store.tasks.listTasks({}, { limit: 1_000 });
    const facts = ({
      id,
      state,
      gate,
      failures,
      crashes,
    }: Pick<ModelTask, "id" | "state" | "gate" | "failures" | "crashes">) => [id, state, gate, failures, crashes];
    expect(found.map(facts).reverse()).toEqual([...this.#model.tasks.values()].map(facts));
  }
}

it(`agrees with the model of a task in ${RUNS} runs`, { timeout: 0 }, async () => {
  const property = fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 10 }), (commands) =>
    new Trial().run(commands),
  );
  await fc.assert(property, { numRuns: RUNS });
});
