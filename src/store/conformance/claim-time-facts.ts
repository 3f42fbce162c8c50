import { describe, expect, it } from "vitest";
import { LEASE_TTL_MS } from "../../domain/lease.js";
import type { UseBench } from "./bench.js";
import { guardOf, submit } from "./given-tasks.js";
import { claimAs, had, worker } from "./given-workers.js";

const SHORT_MS = LEASE_TTL_MS / 3;

/** How the time that a task allows bounds the lease of whoever has claimed it. */
export function claimTimeFacts(use: UseBench): void {
  describe("the lease of a claim", () => {
    it("ends with the time of its attempt, or of its task when that is over before", async () => {
      const { store, now } = use();
      const limits = [{ timeoutMs: SHORT_MS }, { deadlineMs: SHORT_MS }, { timeoutMs: 9 * LEASE_TTL_MS }, {}];
      const ends: number[] = [];
      for (const limit of limits) {
        const { id } = await submit(store, limit);
        const { lease } = await claimAs(store, {}, { id });
        expect(await store.leases.getLease(lease.name)).toEqual(lease);
        ends.push(lease.expiresAt - now);
      }
      expect(ends).toEqual([SHORT_MS, SHORT_MS, LEASE_TTL_MS, LEASE_TTL_MS]);
    });

    it("is not put off beyond that by any heartbeat", async () => {
      const bench = use();
      const { store } = bench;
      const until = bench.now + 2 * LEASE_TTL_MS;
      await submit(store, { timeoutMs: 2 * LEASE_TTL_MS });
      const { task } = await claimAs(store);
      bench.now += LEASE_TTL_MS - 1;
      const beat = { taskId: task.id, fence: task.fence, ttlMs: LEASE_TTL_MS };
      expect(await store.workers.heartbeat(beat)).toMatchObject({ value: { expiresAt: until - 1 } });
      bench.now += 2;
      expect(await store.workers.heartbeat(beat)).toMatchObject({ value: { expiresAt: until } });
    });

    it("begins anew for whoever the task is handed to", async () => {
      const bench = use();
      const { store } = bench;
      await submit(store, { timeoutMs: SHORT_MS });
      const { task } = await claimAs(store);
      bench.now += SHORT_MS - 1;
      const handed = { guard: guardOf(task), to: worker(), by: "ann", reason: null };
      const { lease } = had(await store.workers.handOff(handed));
      expect(lease).toMatchObject({ expiresAt: bench.now + SHORT_MS });
      expect(await store.leases.getLease(lease.name)).toEqual(lease);
    });

    it("is as long as was asked for where a process is supervised, by whom the time is kept", async () => {
      const { store, now } = use();
      await submit(store, { timeoutMs: SHORT_MS });
      const { lease } = await claimAs(store, { kind: "dispatch" });
      expect(lease).toMatchObject({ expiresAt: now + LEASE_TTL_MS });
    });
  });
}
