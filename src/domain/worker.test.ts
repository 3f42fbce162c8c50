import { describe, expect, it } from "vitest";
import { typesOfPurpose } from "./lease.js";
import {
  holdsOneAttempt,
  isLabel,
  OWNER_KINDS,
  OWNER_LEASES,
  showLabel,
  WORKER_KINDS,
  workerLeaseName,
  workerPurpose,
} from "./worker.js";

describe("a worker", () => {
  it("is an owner whose leases are told apart from those of engines by their names", () => {
    expect(OWNER_KINDS).toEqual(["engine", ...WORKER_KINDS]);
    expect(OWNER_LEASES.filter((prefix) => workerLeaseName("1").startsWith(prefix))).toEqual(["worker/"]);
  });

  it("holds one attempt under its lease, unless it keeps that itself for many", () => {
    expect(OWNER_KINDS.filter(holdsOneAttempt)).toEqual(["claim", "dispatch"]);
  });

  it("says in its lease which types it goes on to take, or who it is", () => {
    const identity = { agentId: 'work ["x"]', session: "1", types: ["a"], workspace: null };
    const purposes = WORKER_KINDS.map((kind) => workerPurpose({ ...identity, kind }));
    expect(purposes).toEqual(['work ["a"]', 'claim work ["x"]', 'dispatch work ["x"]']);
    expect(purposes.map(typesOfPurpose)).toEqual([["a"], [], []]);
  });

  it.each([
    ["a", true],
    ["ann@host/7\nnext", true],
    ["x".repeat(200), true],
    ["", false],
    ["x".repeat(201), false],
    ["\ud800", false],
  ])("is called by opaque text of bounded length: %j is %s", (label, fits) => {
    expect(isLabel(label)).toBe(fits);
  });
});

describe("a label that is shown", () => {
  it("stays on its line and moves no cursor, whatever is in it", () => {
    expect(showLabel("ann/laptop 🚚")).toBe("ann/laptop 🚚");
    expect(showLabel("a\nb\tc\u001b[31m")).toBe("a\\nb\\x09c\\x1b[31m");
  });
});
