import { describe, expect, it } from "vitest";
import { DEFAULT_RETENTION } from "../domain/retention.js";
import { RETENTION_DEFAULTS, readRetention } from "./retention.js";

const withValue = (which: keyof typeof RETENTION_DEFAULTS, value: string) =>
  readRetention({ ...RETENTION_DEFAULTS, [which]: { name: "NAME", value, origin: "environment NAME" } });

describe("the retention's settings", () => {
  it("are by default what the domain says", () => {
    expect(readRetention(RETENTION_DEFAULTS)).toEqual(DEFAULT_RETENTION);
  });

  it("set no limit with none", () => {
    expect(withValue("runs", "none").runsPerRef).toBeNull();
    expect(withValue("age", "none").ageMs).toBeNull();
    expect(withValue("logs", "none").logBytes).toBeNull();
  });

  it.each([
    ["runs", "0"],
    ["runs", "many"],
    ["age", "90"],
    ["logs", "20GB"],
  ] as const)("of %s refuse %j and say where it comes from", (which, value) => {
    expect(() => withValue(which, value)).toThrow(`NAME is "${value}" (environment NAME)`);
  });
});
