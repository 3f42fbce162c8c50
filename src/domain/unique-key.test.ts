import { describe, expect, it } from "vitest";
import { TASK_STATES } from "./task.js";
import { holdsUniqueKey } from "./unique-key.js";

describe("a unique key", () => {
  it("is held until an attempt begins, or until the task has ended", () => {
    const held = (scope: "waiting" | "active") =>
      TASK_STATES.filter((state) => holdsUniqueKey({ state, submittedAt: 0 }, scope, 9));
    expect(held("waiting")).toEqual(["queued", "scheduled"]);
    expect(held("active")).toEqual(["queued", "scheduled", "running"]);
  });

  it("is held for a time, whatever became of the task", () => {
    const task = { state: "completed", submittedAt: 100 } as const;
    expect([100, 149, 150].map((now) => holdsUniqueKey(task, { forMs: 50 }, now))).toEqual([true, true, false]);
  });
});
