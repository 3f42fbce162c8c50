import { describe, expect, it } from "vitest";
import { judgeDependency } from "./dependency.js";
import { LIVE_TASK_STATES } from "./task.js";

describe("a dependency", () => {
  it.each(LIVE_TASK_STATES)("waits while the other task is %s", (state) => {
    expect(judgeDependency("ended", state)).toBe("waits");
  });

  it.each([
    ["completed", "completed", "met"],
    ["completed", "failed", "unmet"],
    ["completed", "cancelled", "unmet"],
    ["completed", null, "unmet"],
    ["failed", "completed", "unmet"],
    ["failed", "failed", "met"],
    ["failed", "cancelled", "met"],
    ["failed", null, "met"],
    ["ended", "completed", "met"],
    ["ended", "failed", "met"],
    ["ended", null, "met"],
  ] as const)("on being %s is, after %s, %s", (outcome, state, verdict) => {
    expect(judgeDependency(outcome, state)).toBe(verdict);
  });
});
