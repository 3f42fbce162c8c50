import { describe, expect, it } from "vitest";
import { firstLimit, limitOf } from "./attempt-limit.js";

describe("the time of an attempt", () => {
  it("is over at the first of its limits", () => {
    expect(firstLimit(null, null)).toBeNull();
    expect(firstLimit(5, null)).toEqual({ at: 5, of: "timeout" });
    expect(firstLimit(null, 7)).toEqual({ at: 7, of: "deadline" });
    expect(firstLimit(5, 7)).toEqual({ at: 5, of: "timeout" });
    expect(firstLimit(8, 7)).toEqual({ at: 7, of: "deadline" });
  });

  it("is its own when both are over at once: another attempt is left to the retry policy", () => {
    expect(firstLimit(7, 7)).toEqual({ at: 7, of: "timeout" });
  });

  it("is counted from its begin", () => {
    expect(limitOf({ timeoutMs: 10, deadlineAt: null }, 100)).toEqual({ at: 110, of: "timeout" });
    expect(limitOf({ timeoutMs: null, deadlineAt: 105 }, 100)).toEqual({ at: 105, of: "deadline" });
  });
});
