import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "./event.js";

describe("the types of events", () => {
  it("are unique, and each names its subject before what happened to it", () => {
    expect(new Set(EVENT_TYPES).size).toBe(EVENT_TYPES.length);
    for (const type of EVENT_TYPES) {
      expect(type).toMatch(/^(run|batch|machine|task|queue|readiness|lease|write)\.[a-z_]+$/);
    }
  });
});
