import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTerminal, type Run } from "../../domain/run.js";
import { adopt, given } from "../conformance/given.js";
import { openSqliteStore } from "./open-sqlite-store.js";

/** What the store should know of a run, in the plainest form. */
interface Known {
  readonly id: string;
  readonly work: string;
  slot: number | null;
  ended: boolean;
}

const SLOTS = 2;

/** One machine with two slots, as the port's documentation describes it. */
class Model {
  readonly runs: Known[] = [];

  get active(): Known[] {
    return this.runs.filter((run) => !run.ended);
  }

  get waiting(): Known | undefined {
    return this.active.find((run) => run.slot === null);
  }

  freeSlot(): number | null {
    const held = new Set(this.active.map((run) => run.slot));
    for (let slot = 1; slot <= SLOTS; slot += 1) if (!held.has(slot)) return slot;
    return null;
  }

  /** What `prepareAtomic` answers, and which run it names. */
  prepare(work: string, queue: boolean): { outcome: string; id: string | null } {
    const same = this.active.find((run) => run.work === work);
    if (same !== undefined) return { outcome: "reuse", id: same.id };
    const slot = this.waiting === undefined ? this.freeSlot() : null;
    if (slot === null && !queue) {
      const holder = this.active.find((run) => run.slot !== null) ?? this.waiting;
      return { outcome: "busy", id: holder?.id ?? null };
    }
    return { outcome: "created", id: null };
  }
}

const step = fc.oneof(
  fc.record({ op: fc.constant("prepare" as const), work: fc.constantFrom("a", "b", "c", "d"), queue: fc.boolean() }),
  fc.record({ op: fc.constant("finish" as const), at: fc.nat(9) }),
  fc.record({ op: fc.constant("cancel" as const), at: fc.nat(9) }),
  fc.record({ op: fc.constant("place" as const), at: fc.nat(9) }),
);

describe("any sequence of operations on a machine", () => {
  it("ends as the model says, and the model's rules hold after each", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const store = await openSqliteStore({ path: ":memory:" });
        const model = new Model();
        for (const s of steps) {
          if (s.op === "prepare") {
            const expected = model.prepare(s.work, s.queue);
            const dispatch = given.dispatch({ slots: SLOTS, workHash: s.work, queue: s.queue });
            const { outcome, run } = await store.runs.prepareAtomic(dispatch, () => given.run());
            expect(outcome).toBe(expected.outcome);
            if (expected.id !== null) expect(run.id).toBe(expected.id);
            if (outcome === "created") model.runs.push({ id: run.id, work: s.work, slot: run.slot, ended: false });
            continue;
          }
          const target = model.active[s.at % Math.max(1, model.active.length)];
          if (target === undefined) continue;
          if (s.op === "place") {
            const free = model.waiting === target ? model.freeSlot() : null;
            const placed = await store.runs.placeRun(target.id, SLOTS);
            expect(placed?.slot ?? null).toBe(target.slot ?? free);
            target.slot ??= free;
            continue;
          }
          if (s.op === "cancel") {
            await store.runs.requestCancel(target.id, "tester");
            // Only what never was on a machine ends by a wish alone.
            target.ended = target.slot === null;
          } else {
            const { guard } = await adopt(store, (await store.runs.getRun(target.id)) as Run);
            expect((await store.runs.finishRun(guard, given.failure(), given.artifacts())).written).toBe(true);
            target.ended = true;
          }
        }
        const all = (await store.runs.listRuns({}, { limit: 100 })).toReversed();
        const seen = all.map((run) => [run.id, isTerminal(run.status) ? null : run.slot, isTerminal(run.status)]);
        expect(seen).toEqual(model.runs.map((run) => [run.id, run.ended ? null : run.slot, run.ended]));
        await store.close();
      }),
      { numRuns: 100 },
    );
  });
});
