import { describe, expect, it } from "vitest";
import { runLeaseName } from "../../domain/lease.js";
import { TERMINAL_STATUSES } from "../../domain/run.js";
import type { UseBench } from "./bench.js";
import { adopt, drive, finished, given } from "./given.js";

export function guardedWriteFacts(use: UseBench): void {
  describe("driving a run", () => {
    it("starts it with the machine's record as evidence", async () => {
      const { store } = use();
      const { guard } = await drive(store);
      const start = given.start({ pid: 7, started: 5_000 });
      const answer = await store.runs.startRun(guard, start, "/logs/1");
      expect(answer).toMatchObject({
        written: true,
        run: { status: "running", pid: 7, startedAt: 5_000, logsPath: "/logs/1", evidence: { start } },
      });
    });

    it("does not start a directory's run that holds no slot", async () => {
      const { store } = use();
      await drive(store);
      const waiting = await drive(store, { queue: true });
      expect(await store.runs.startRun(waiting.guard, given.start(), null)).toMatchObject({ refusal: "wrong_state" });
    });

    it("goes on with another attempt in the same slot under a new fence", async () => {
      const { store } = use();
      const { guard, run } = await drive(store);
      await store.runs.startRun(guard, given.start({ started: 5_000 }), null);
      await store.runs.noteContact(guard, 6_000);
      const answer = await store.runs.nextAttempt(guard, given.failure());
      expect(answer).toMatchObject({
        written: true,
        run: { status: "running", attempt: 2, slot: run.slot, pid: null, unreachableSince: null, startedAt: 5_000 },
      });
      expect(answer.run?.fence).toBeGreaterThan(guard.leaseFence);
      const second = { ...guard, attempt: 2 };
      await store.runs.startRun(second, given.start({ attempt: 2, started: 8_000 }), null);
      expect(await store.runs.getRun(run.id)).toMatchObject({ startedAt: 5_000, status: "running" });
      expect(await store.runs.finishRun(guard, given.outcome(), given.artifacts())).toMatchObject({
        refusal: "stale_fence",
      });
    });

    it("ends it: outcome stored, slot and lease given back", async () => {
      const { store } = use();
      const { guard, run } = await drive(store);
      await store.runs.startRun(guard, given.start(), null);
      const artifacts = given.artifacts({ state: "collected", artifactsPath: "/a", logsPath: "/l" });
      const answer = await store.runs.finishRun(guard, given.outcome(), artifacts);
      expect(answer).toMatchObject({
        written: true,
        run: { status: "completed", exitCode: 0, slot: null, endedAt: 3_000, artifactsPath: "/a", logsPath: "/l" },
      });
      expect(await store.runs.getRun(run.id)).toEqual(answer.run);
      expect(await store.leases.getLease(runLeaseName(run.id))).toBeNull();
      expect(await store.runs.activeByMachine("left")).toEqual([]);
    });

    it("allows exactly the domain's transitions out of pending", async () => {
      const { store } = use();
      for (const status of TERMINAL_STATUSES) {
        const { guard } = await drive(store, { machine: status });
        const outcome = given.outcome({ status, exitCode: status === "completed" ? 0 : null });
        const answer = await store.runs.finishRun(guard, outcome, given.artifacts());
        expect([status, answer.written]).toEqual([status, status === "failed" || status === "interrupted"]);
      }
    });

    it("refuses a superseded driver, counts it and shows it", async () => {
      const bench = use();
      const { store } = bench;
      const { guard, run } = await drive(store);
      bench.now += 60_000;
      const heir = await adopt(store, run, { pid: 200 });
      expect(await store.runs.startRun(guard, given.start(), null)).toMatchObject({ refusal: "stale_fence" });
      expect(await store.runs.noteContact(guard, 1)).toMatchObject({ refusal: "stale_fence" });
      expect(await store.runs.nextAttempt(guard, given.failure())).toMatchObject({ refusal: "stale_fence" });
      expect(await store.runs.finishRun(guard, given.failure(), given.artifacts())).toMatchObject({
        refusal: "stale_fence",
        run: { status: "pending" },
      });
      expect((await store.info()).staleWritesRefused).toBe(4);
      const refused = await store.events.readEvents(0, { subject: run.id, types: ["write.refused"] }, 10);
      expect(refused.map((e) => e.data.write)).toEqual(["start", "contact", "next_attempt", "finish"]);
      expect((await store.runs.startRun(heir.guard, given.start(), null)).written).toBe(true);
    });

    it("refuses whoever gave the lease back, whoever never had one, and unknown runs", async () => {
      const { store } = use();
      const { guard, run } = await drive(store);
      await store.leases.releaseLease(runLeaseName(run.id), guard.leaseFence);
      expect(await store.runs.startRun(guard, given.start(), null)).toMatchObject({ refusal: "stale_fence" });
      const unknown = { ...guard, runId: "unknown" };
      expect(await store.runs.startRun(unknown, given.start(), null)).toMatchObject({
        refusal: "not_found",
        run: null,
      });
    });

    it("refuses to end what has ended, and leaves it as it was", async () => {
      const { store } = use();
      const run = await finished(store);
      const again = await adopt(store, run);
      expect(await store.runs.finishRun(again.guard, given.failure(), given.artifacts())).toMatchObject({
        refusal: "wrong_state",
      });
      expect(await store.runs.getRun(run.id)).toEqual(run);
    });

    it("keeps the time at which contact was lost until it is back", async () => {
      const { store } = use();
      const { guard, run } = await drive(store);
      await store.runs.noteContact(guard, 5_000);
      expect(await store.runs.noteContact(guard, 6_000)).toMatchObject({ run: { unreachableSince: 5_000 } });
      expect(await store.runs.noteContact(guard, null)).toMatchObject({ run: { unreachableSince: null } });
      const events = await store.events.readEvents(0, { subject: run.id }, 10);
      expect(events.map((e) => e.type)).toEqual(["run.created", "run.unreachable", "run.reachable"]);
    });

    it("records artifacts after the end without touching the outcome", async () => {
      const { store } = use();
      const run = await finished(store);
      const report = given.artifacts({ state: "failed", error: "cut" });
      expect(await store.runs.recordArtifacts(run.id, report)).toEqual({
        ...run,
        artifactState: "failed",
        artifactError: "cut",
      });
      const collected = given.artifacts({ state: "collected", artifactsPath: "/a" });
      expect(await store.runs.recordArtifacts(run.id, collected)).toMatchObject({ artifactError: null });
      expect(await store.runs.recordArtifacts("unknown", report)).toBeNull();
    });
  });
}
