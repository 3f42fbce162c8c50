import { describe, expect, it } from "vitest";
import { checkVariable, LONGEST_KEY, LONGEST_VALUE } from "./variable.js";

const codeOf = (work: () => void): unknown => {
  try {
    work();
    return null;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe("checkVariable", () => {
  it("takes any key and value that is text", () => {
    expect(codeOf(() => checkVariable("root", "a/b: c\n🦀", ""))).toBeNull();
    expect(codeOf(() => checkVariable("root", "k".repeat(LONGEST_KEY), "v".repeat(LONGEST_VALUE)))).toBeNull();
  });

  it.each([
    ["an empty scope", "", "k", "v"],
    ["an empty key", "s", "", "v"],
    ["a key that is too long", "s", "k".repeat(LONGEST_KEY + 1), "v"],
    ["a value that is too long", "s", "k", "v".repeat(LONGEST_VALUE + 1)],
    ["a key with a lone surrogate", "s", "\udfff", "v"],
    ["a value with a lone surrogate", "s", "k", "\ud800"],
  ])("refuses %s", (_what, scope, key, value) => {
    expect(codeOf(() => checkVariable(scope, key, value))).toBe("invalid_input");
  });
});
