import { describe, expect, it } from "vitest";
import type { GateDecision } from "../../domain/readiness.js";
import type { UseBench } from "./bench.js";
import { submit } from "./given-tasks.js";

const decision = (over: Partial<GateDecision> = {}): GateDecision => ({
  gate: "ready",
  wish: "release",
  at: null,
  by: "alice",
  reason: null,
  ...over,
});

export function gateFacts(use: UseBench): void {
  describe("readiness gates", () => {
    it("are kept by name with their newest hold and release, who asked and why", async () => {
      const { store, now } = use();
      await store.gates.decideGate(decision({ gate: "warm", wish: "hold", at: 7, reason: "cold" }));
      const gate = await store.gates.decideGate(decision());
      expect(gate).toEqual({ name: "ready", heldAt: null, releasedAt: now, by: "alice", reason: null });
      const warm = { name: "warm", heldAt: 7, releasedAt: null, by: "alice", reason: "cold" };
      expect(await store.gates.listGates()).toEqual([gate, warm]);
    });

    it("keep a later hold when an earlier release comes after it", async () => {
      const { store } = use();
      await store.gates.decideGate(decision({ wish: "hold", at: 9, by: "bob" }));
      const gate = await store.gates.decideGate(decision({ at: 9 }));
      expect(gate).toMatchObject({ heldAt: 9, releasedAt: 9, by: "bob" });
    });

    it("tell every decision as an event, and are gone after a reset", async () => {
      const { store } = use();
      const from = await store.events.lastSequence();
      await store.gates.decideGate(decision({ wish: "hold", reason: "upgrade" }));
      await store.gates.decideGate(decision());
      expect(await store.events.readEvents(from, {}, 10)).toMatchObject([
        { type: "readiness.held", subject: "ready", data: { by: "alice", reason: "upgrade" } },
        { type: "readiness.released", subject: "ready" },
      ]);
      await store.reset();
      expect(await store.gates.listGates()).toEqual([]);
    });
  });

  describe("what a sidecar asks besides", () => {
    it("is who submitted a task", async () => {
      const { store } = use();
      expect(await submit(store, { createdBy: "alice" })).toMatchObject({ createdBy: "alice" });
      expect(await submit(store)).toMatchObject({ createdBy: null });
    });

    it("is whether the store takes writes, which leaves no event, and how many late ones it has refused", async () => {
      const { store } = use();
      const from = await store.events.lastSequence();
      await store.probe();
      expect(await store.events.lastSequence()).toBe(from);
      expect(await store.staleWritesRefused()).toBe(0);
      await store.attempts.confirmAttempt({ taskId: "none", sequence: 1, attempt: 1, fence: 1 });
      expect(await store.staleWritesRefused()).toBe(1);
    });
  });
}
