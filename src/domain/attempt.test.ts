import { describe, expect, it } from "vitest";
import { ATTEMPT_STATES, ATTEMPT_TRANSITIONS, RETURN_REASONS } from "./attempt.js";

describe("an attempt", () => {
  it("ends once, in one of five ways", () => {
    const [running, ...ends] = ATTEMPT_STATES;
    expect(ATTEMPT_TRANSITIONS[running]).toEqual(ends);
    for (const end of ends) expect(ATTEMPT_TRANSITIONS[end]).toEqual([]);
  });

  it("is given back for reasons that count against nobody", () => {
    expect(new Set(RETURN_REASONS).size).toBe(RETURN_REASONS.length);
    expect(RETURN_REASONS).toContain("handed_off");
  });
});
