/**
 * The store of tasks against a model in memory: whatever is submitted, claimed, ended, handed off, reclaimed, answered,
 * cancelled, removed and retried, and whenever engines and workers die and clocks jump, both say the same.
 *
 * `WAYBILL_MODEL_RUNS=N` makes N runs, for a long search by hand.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DependencyOutcome } from "../../domain/dependency.js";
import type { EventType } from "../../domain/event.js";
import type { Lease } from "../../domain/lease.js";
import { QUARANTINE_AFTER } from "../../domain/task.js";
import type { AttemptEnd, ClaimedTask } from "../attempt-store.js";
import { claim, end, engineLease, failed, guardOf, newTask, returned, succeeded } from "../conformance/given-tasks.js";
import { had, worker } from "../conformance/given-workers.js";
import { type ModelTask, TaskModel } from "../conformance/task-model.js";
import type { Store } from "../store.js";
import type { WorkerClaim } from "../worker-store.js";
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
  { state: "lost", failure: { code: "lost", name: null, message: "" }, quarantineAfter: QUARANTINE_AFTER },
  { state: "waiting", for: "answer", question: "?", author: "test" },
  { state: "waiting", for: "review", question: "?", author: "test" },
];

/** What begins an attempt, and what ends one or the task. */
const STORY: readonly EventType[] = [
  "task.started",
  "task.attempt_ended",
  "task.handed_off",
  "task.finished",
  "task.removed",
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
  { weight: 2, arbitrary: fc.record({ op: fc.constant("claim_one" as const), at: fc.option(at) }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom("hand_off" as const, "reclaim" as const, "lapse" as const), at }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("answer" as const), at, accept: fc.boolean() }) },
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

/** What runs: under the lease of an engine, or under one of its own. */
interface Held {
  readonly claimed: ClaimedTask;
  readonly engine: number | null;
  readonly lease: Lease;
}

/** One run: the store and the model, told the same. */
class Trial {
  readonly #model = new TaskModel();
  readonly #leases: (Lease | null)[] = [null, null];
  /** What runs, and what ran and was superseded. */
  readonly #held = new Map<string, Held>();
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
    else if (one.op === "claim_one") await this.#claimOne(one.at);
    else if (one.op === "answer") await this.#answer(one.at, one.accept);
    else if (one.op === "hand_off" || one.op === "reclaim" || one.op === "lapse") await this.#interfere(one.op, one.at);
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
    for (const claimed of tasks) this.#held.set(claimed.id, { claimed, engine, lease });
  }

  async #claimOne(n: number | null): Promise<void> {
    const task = n === null ? undefined : this.#pick(n);
    const wanted = task === undefined ? {} : { id: task.id };
    const answer = await store.workers.claimForWorker({ worker: worker(), ...wanted });
    const expected = task === undefined ? this.#model.claim(1) : this.#model.claimById(task) ? [task.id] : [];
    expect(answer.granted ? [answer.value.task.id] : []).toEqual(expected);
    if (answer.granted) this.#hold(answer.value);
  }

  #hold({ task: claimed, lease }: WorkerClaim): void {
    this.#held.set(claimed.id, { claimed, engine: null, lease });
  }

  /** What somebody does about an attempt that runs. */
  async #interfere(op: "hand_off" | "reclaim" | "lapse", n: number): Promise<void> {
    const held = [...this.#held.values()];
    const chosen = held[n % Math.max(1, held.length)];
    const task = chosen === undefined ? undefined : this.#model.tasks.get(chosen.claimed.id);
    if (chosen === undefined || task === undefined) return;
    const { claimed, engine, lease } = chosen;
    if (op === "lapse" && engine !== null) return;
    this.#held.delete(task.id);
    this.#stale.push(claimed);
    if (op === "hand_off") {
      const to = worker();
      this.#hold(had(await store.workers.handOff({ guard: guardOf(claimed), to, by: "test", reason: null })));
    } else if (op === "reclaim") {
      this.#model.reclaim(task);
      const wish = { taskId: task.id, by: "test", reason: "", force: true };
      expect(had(await store.workers.reclaim(wish))).toBe(task.state);
    } else {
      this.#model.lose(task);
      expect(await store.attempts.takeBack(lease, true, QUARANTINE_AFTER)).not.toBeNull();
    }
  }

  async #answer(n: number, accept: boolean): Promise<void> {
    const task = this.#pick(n);
    if (task === undefined) return;
    const taken = this.#model.answer(task, accept);
    const answer = await store.notes.answer({ taskId: task.id, by: "test", text: "x", accept });
    expect(answer.granted).toBe(taken);
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
    // Nobody has a lease for one attempt without it, and nobody runs without a lease.
    const workers = await store.workers.listWorkers();
    const owned = workers.filter(({ kind, tasks }) => kind === "engine" || tasks.length === 1);
    expect(owned).toEqual(workers);
    expect(workers.flatMap(({ tasks }) => tasks).length).toBe(this.#held.size);
    await this.#checkStory();
  }

  /** The feed alone tells it too: a task has one attempt at a time, which is over before the next one begins. */
  async #checkStory(): Promise<void> {
    const running = new Map<string, unknown>();
    for (const { type, subject, data } of await store.events.readEvents(0, { types: STORY }, 1_000)) {
      if (type === "task.started") {
        expect(running.has(subject), `${subject} has one attempt at a time`).toBe(false);
        running.set(subject, data.fence);
      } else if (type === "task.removed") running.delete(subject);
      else {
        expect(data.fence ?? undefined, `${type} names the attempt that ran`).toBe(running.get(subject));
        running.delete(subject);
      }
    }
    expect([...running].sort()).toEqual([...this.#held].map(([id, { claimed }]) => [id, claimed.fence]).sort());
  }
}

it(`agrees with the model of a task in ${RUNS} runs`, { timeout: 0 }, async () => {
  const property = fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 10 }), (commands) =>
    new Trial().run(commands),
  );
  await fc.assert(property, { numRuns: RUNS });
});
