import { describe, expect, it } from "vitest";
import { ERROR_CODES, ERRORS, EXIT, isErrorCode, WaybillError } from "./errors.js";

describe("the table of errors", () => {
  it("gives every code an exit code of the list and a status of HTTP", () => {
    const exits: readonly number[] = Object.values(EXIT);
    for (const code of ERROR_CODES) {
      expect(exits, code).toContain(ERRORS[code].exit);
      expect(ERRORS[code].http, code).toBeGreaterThanOrEqual(200);
      expect(ERRORS[code].http, code).toBeLessThan(600);
      expect(ERRORS[code].exit, code).not.toBe(EXIT.success);
    }
  });

  it("knows its own codes and no inherited ones", () => {
    expect(ERROR_CODES.every(isErrorCode)).toBe(true);
    expect(["toString", "nope", ""].map(isErrorCode)).toEqual([false, false, false]);
  });
});

describe("a WaybillError", () => {
  it("carries code, hint, details and cause", () => {
    const cause = new Error("disk");
    const error = new WaybillError("store_full", "No space.", { hint: "Free some.", details: { free: 0 }, cause });

    expect(error).toMatchObject({ name: "WaybillError", code: "store_full", message: "No space.", hint: "Free some." });
    expect(error.details).toEqual({ free: 0 });
    expect(error.cause).toBe(cause);
    expect(error.retryable).toBe(true);
  });

  it("has neither hint nor cause nor details unless they are given", () => {
    const error = new WaybillError("run_not_found", "No run.");

    expect(error.hint).toBeUndefined();
    expect("cause" in error).toBe(false);
    expect(error.details).toEqual({});
    expect(error.retryable).toBe(false);
  });
});
