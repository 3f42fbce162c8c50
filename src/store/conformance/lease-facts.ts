import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Lease } from "../../domain/lease.js";
import type { LeaseAnswer } from "../lease-store.js";
import type { UseBench } from "./bench.js";
import { given } from "./given.js";

export function leaseFacts(use: UseBench): void {
  const take = (name: string, pid: number, provedDeadFence?: number): Promise<LeaseAnswer> =>
    use().store.leases.acquireLease({
      name,
      holder: given.process({ pid }),
      purpose: "test",
      ttlMs: 1_000,
      ...(provedDeadFence === undefined ? {} : { provedDeadFence }),
    });

  describe("leases", () => {
    it("go to the first that asks, and the others learn who holds them", async () => {
      const answers = await Promise.all([1, 2, 3].map((pid) => take("post", pid)));
      expect(answers.map((a) => a.won)).toEqual([true, false, false]);
      expect(answers[2]?.lease.holder.pid).toBe(1);
    });

    it("can be taken once their time is over, under a larger fence", async () => {
      const first = await take("post", 1);
      use().now += 999;
      expect((await take("post", 2)).won).toBe(false);
      use().now += 1;
      const second = await take("post", 2);
      expect(second.won).toBe(true);
      expect(second.lease.fence).toBeGreaterThan(first.lease.fence);
    });

    it("can be taken from a holder that is proved dead, by its fence only", async () => {
      const first = await take("post", 1);
      expect((await take("post", 2, first.lease.fence + 1)).won).toBe(false);
      expect((await take("post", 2, first.lease.fence)).won).toBe(true);
      expect((await take("post", 3, first.lease.fence)).won).toBe(false);
    });

    it("are renewed by name under their own fence only, and no other of their holder with them", async () => {
      const bench = use();
      const a = (await take("a", 1)).lease;
      const b = (await take("b", 1)).lease;
      const c = (await take("c", 1)).lease;
      bench.now += 500;
      const renewed = await bench.store.leases.renewLeases([b, a], 5_000);
      expect(renewed.map((l) => [l.name, l.expiresAt - bench.now])).toEqual([
        ["a", 5_000],
        ["b", 5_000],
      ]);
      expect(await bench.store.leases.getLease("c")).toEqual(c);
      await bench.store.leases.releaseLease("b", b.fence);
      expect(await bench.store.leases.renewLeases([{ name: "a", fence: a.fence + 100 }, b], 5_000)).toEqual([]);
    });

    it("are given back under their own fence only, and never get it again", async () => {
      const { store } = use();
      const { lease } = await take("post", 1);
      expect(await store.leases.releaseLease("post", lease.fence + 1)).toBe(false);
      expect(await store.leases.releaseLease("post", lease.fence)).toBe(true);
      expect(await store.leases.releaseLease("post", lease.fence)).toBe(false);
      expect(await store.leases.getLease("post")).toBeNull();
      expect((await take("post", 1)).lease.fence).toBeGreaterThan(lease.fence);
    });

    it("are listed by prefix and name, live or not", async () => {
      const bench = use();
      for (const name of ["run/b", "run/a", "dispatcher/h", "run0"]) await take(name, 1);
      const gone = await take("run/c", 1);
      await bench.store.leases.releaseLease("run/c", gone.lease.fence);
      bench.now += 60_000;
      const listed = await bench.store.leases.listLeases("run/");
      expect(listed.map((l) => l.name)).toEqual(["run/a", "run/b"]);
      expect(await bench.store.leases.listLeases("")).toHaveLength(4);
    });

    it("are kept by somebody until they are lost, which is told once, or until that is enough", async () => {
      const { store } = use();
      const lost: string[] = [];
      const keep = async (name: string) => {
        const { lease } = await take(name, 1);
        const onLost = () => void lost.push(name);
        return {
          lease,
          keeping: store.leases.keepLease(lease, { ttlMs: 60_000, everyMs: 5, onLost, onError: () => undefined }),
        };
      };
      const [kept, gone] = [await keep("kept"), await keep("gone")];
      await store.leases.releaseLease("gone", gone.lease.fence);
      await vi.waitFor(async () => {
        expect(lost).toEqual(["gone"]);
        expect((await store.leases.getLease("kept"))?.expiresAt).toBeGreaterThan(kept.lease.expiresAt);
      });
      await Promise.all([kept.keeping.stop(), gone.keeping.stop()]);
      expect(await store.leases.releaseLease("kept", kept.lease.fence)).toBe(true);
      expect(lost).toEqual(["gone"]);
    });

    it("of months are not renewed all the time", async () => {
      const { store } = use();
      const monthsMs = 90 * 24 * 60 * 60_000;
      const keep = async (name: string, ttlMs: number, everyMs: number) => {
        const { lease } = await take(name, 1);
        return { lease, keeping: store.leases.keepLease(lease, { ttlMs, everyMs, onLost: fail, onError: fail }) };
      };
      const fail = (why = "A lease was lost."): never => expect.unreachable(why);
      const [long, short] = [await keep("long", monthsMs, monthsMs / 3), await keep("short", 60_000, 5)];
      await vi.waitFor(async () => {
        expect((await store.leases.getLease("short"))?.expiresAt).toBeGreaterThan(short.lease.expiresAt);
      });
      expect((await store.leases.getLease("long"))?.expiresAt).toBe(long.lease.expiresAt);
      await Promise.all([long.keeping.stop(), short.keeping.stop()]);
    });

    it("have never two winners while they live, and fences only grow, whatever happens", async () => {
      const step = fc.oneof(
        fc.record({ op: fc.constant("take" as const), pid: fc.integer({ min: 1, max: 3 }) }),
        fc.record({ op: fc.constant("renew" as const), pid: fc.integer({ min: 1, max: 3 }) }),
        fc.record({ op: fc.constant("release" as const), pid: fc.integer({ min: 1, max: 3 }) }),
        fc.record({ op: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 1_500 }) }),
      );
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const bench = use();
          round += 1;
          const name = `post-${round}`;
          let held: Lease | null = null;
          let last = 0;
          for (const s of steps) {
            if (s.op === "pass") bench.now += s.ms;
            if (s.op === "take") {
              const answer: LeaseAnswer = await take(name, s.pid);
              expect(answer.won).toBe(held === null || held.expiresAt <= bench.now);
              if (!answer.won) continue;
              expect(answer.lease.fence).toBeGreaterThan(last);
              last = answer.lease.fence;
              held = answer.lease;
            }
            if (s.op === "renew") {
              const fence = held?.holder.pid === s.pid ? held.fence : 0;
              const [mine] = await bench.store.leases.renewLeases([{ name, fence }], 1_000);
              expect(mine !== undefined).toBe(held?.holder.pid === s.pid);
              held = mine ?? held;
            }
            if (s.op === "release" && held?.holder.pid === s.pid) {
              expect(await bench.store.leases.releaseLease(name, held.fence)).toBe(true);
              held = null;
            }
          }
          expect(await bench.store.leases.getLease(name)).toEqual(held);
        }),
        { numRuns: 30 },
      );
    });
  });
}
